"""Outages as intake sees them: the broker is asked and does not answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# If intake itself did not ask for this part of the shortest outage (the database was away, the
# machine slept), the silence was ours and not the broker's.
_OWN_SILENCE_RATIO: Final = 0.5


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing came from a partition between these two times, in epoch milliseconds."""

    stood_ms: int
    resumed_ms: int

    def joined(self, other: Outage | None) -> Outage:
        """Both as one."""
        if other is None:
            return self
        return Outage(min(self.stood_ms, other.stood_ms), max(self.resumed_ms, other.resumed_ms))


@dataclass(slots=True)
class _Answers:
    """What the broker said about one partition, assigned to us under `epoch`."""

    epoch: int
    newest_ms: int | None
    # Stream time as it was claimed; None if nothing was known.
    claimed_ms: int | None = None
    outage: Outage | None = None


class OutageDetector:
    """When the broker answered last, by partition. Not thread-safe: one task owns it.

    Outlives a rebalance: after an outage the group is often formed anew before the first answer.
    A gap of 0 finds no outages: with clock=records a gap is the log's own.
    """

    def __init__(self, gap_s: float) -> None:
        self._gap_ms = round(gap_s * 1_000)
        self.asked_ms: int | None = None
        self._answers: dict[int, _Answers] = {}
        # Whether every partition has been at the end of its log since it was claimed.
        self._arrived = False

    def claimed(self, partition: int, epoch: int, stream_ms: int | None) -> None:
        """The partition is ours. If the epoch does not follow our own, another process had it."""
        before = self._answers.get(partition)
        newest_ms = before.newest_ms if before is not None and before.epoch == epoch - 1 else None
        self._answers[partition] = _Answers(epoch, newest_ms, stream_ms)
        self._arrived = False

    def ask(self, now_ms: int) -> None:
        """The broker is asked for records, as it is every second while there is room for them.

        After a long pause of our own nobody can say how long the broker was silent.
        """
        asked_ms, self.asked_ms = self.asked_ms, now_ms
        if asked_ms is not None and now_ms - asked_ms > self._gap_ms * _OWN_SILENCE_RATIO:
            for answers in self._answers.values():
                answers.newest_ms = None

    def answered(self, partition: int, answer_ms: int, *, stream_ms: int | None) -> None:
        """The newest answer about a partition, which may end an outage.

        Stream time may have moved on for some seconds after the last answer: the outage begins at
        the time that it reached.
        """
        answers = self._answers[partition]
        before_ms, answers.newest_ms = (
            answers.newest_ms,
            max(answer_ms, answers.newest_ms or answer_ms),
        )
        if self._gap_ms and before_ms is not None and answer_ms - before_ms > self._gap_ms:
            stood_ms = min(max(before_ms, stream_ms or 0), answer_ms)
            answers.outage = Outage(stood_ms, answer_ms).joined(answers.outage)

    def at_all_ends(self, partitions: Iterable[int], newest_ms: Iterable[int], now_ms: int) -> None:
        """All assigned partitions are at the ends of their logs.

        The first time after a claim this shows how long we were away: if no log holds anything of
        that time, it was an outage for everybody. A backlog in any partition proves the contrary.

            log          r..r..r | stored stream time           now
            no backlog                 |=========================|
        """
        if self._arrived:
            return
        self._arrived = True
        answers = [self._answers[partition] for partition in partitions]
        known = [each.claimed_ms for each in answers if each.claimed_ms is not None]
        if not known or not self._gap_ms:
            return
        stood_ms = max([*known, *newest_ms])
        if now_ms - stood_ms > self._gap_ms:
            for each in answers:
                each.outage = Outage(stood_ms, now_ms).joined(each.outage)

    def pop(self, partition: int) -> Outage | None:
        """The outage that has ended since the last call."""
        answers = self._answers[partition]
        outage, answers.outage = answers.outage, None
        return outage
