"""Outages as intake sees them: the broker is asked and says nothing. Pure: times are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Not to have asked for so much of the shortest outage is our own silence (the database is away, the
# machine slept) and no longer the broker's.
_OWN_SILENCE_RATIO: Final = 0.5


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing was heard of a partition between two instants, in epoch milliseconds."""

    stood_ms: int
    resumed_ms: int

    def joined(self, other: Outage | None) -> Outage:
        """Both as one."""
        if other is None:
            return self
        return Outage(min(self.stood_ms, other.stood_ms), max(self.resumed_ms, other.resumed_ms))


class BrokerSilence:
    """When the broker answered last, by partition. Not thread-safe: one task owns it.

    Outlives a rebalance: after an outage the group often is formed anew before the first answer.
    """

    def __init__(self, gap_s: float) -> None:
        self._gap_ms = round(gap_s * 1_000)
        self.asked_ms: int | None = None
        # Partition → (epoch under which it is held, last answer).
        self._answers: dict[int, tuple[int, int | None]] = {}

    def ask(self, now_ms: int) -> None:
        """The broker is asked for records, or has just answered. Whoever did not ask for long can't
        say who was silent."""
        asked_ms, self.asked_ms = self.asked_ms, now_ms
        if asked_ms is not None and now_ms - asked_ms > self._gap_ms * _OWN_SILENCE_RATIO:
            self._answers = {
                partition: (epoch, None) for partition, (epoch, _) in self._answers.items()
            }

    def claimed(self, partition: int, epoch: int) -> None:
        """Held from now on. An epoch that does not follow was somebody else's in between."""
        held_under, answered_ms = self._answers.get(partition, (0, None))
        self._answers[partition] = (epoch, answered_ms if held_under == epoch - 1 else None)

    def answered(self, partition: int, answer_ms: int, *, stream_ms: int | None) -> Outage | None:
        """The newest answer about a partition; the outage that it ends, if there was one.

        Stream time may have gone on for some seconds after the last answer: the outage begins
        where it stood.
        """
        epoch, before_ms = self._answers[partition]
        self._answers[partition] = (epoch, max(answer_ms, before_ms or answer_ms))
        if before_ms is None or answer_ms - before_ms <= self._gap_ms:
            return None
        return Outage(min(max(before_ms, stream_ms or 0), answer_ms), answer_ms)
