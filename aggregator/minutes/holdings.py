"""The partitions this process holds: where each stands, taken and flushed. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregator.minutes.checkpoint import LastRecord, PartitionShare
from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.instants import epoch_ms
from aggregator.minutes.offsets import Claim, ReplaySpan, verify
from aggregator.minutes.outages import BrokerSilence, Outage
from aggregator.minutes.stream_time import advance, newest
from ingest.errors import FatalError
from ingest.lag import Progress
from ingest.record import Record


@dataclass(slots=True)
class Held:
    """One partition, held under `epoch`.

        log   .......|===========|-----------|.......
                flushed_to    next_offset   end

    expected  the record that must come first, to be verified and dropped
    """

    partition: int
    epoch: int
    flushed_to: int
    next_offset: int
    expected: LastRecord | None
    stream_ms: int | None
    # None where nothing is counted anew, or no more.
    replay: ReplaySpan | None = None
    last: Record | None = None
    # The newest credible stamp taken: producers' clocks differ, the last record may be older.
    newest_ms: int | None = None
    progress: Progress | None = None
    # When the broker last gave records or said that there are none.
    heard_ms: int = 0
    # Stream time as it was claimed; None where nothing was known.
    claimed_ms: int | None = None
    # The outage that is to be written with the next checkpoint.
    outage: Outage | None = None


class Holdings:
    """Not thread-safe: one task owns it. Refuses records that do not follow what was taken."""

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config
        self._held: dict[int, Held] = {}
        self._silence = BrokerSilence(config.outage_gap_s)
        # Whether every partition has been at the end of its log since it was claimed.
        self._arrived = False

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(self._held.values())

    def add(self, claim: Claim, start: int) -> None:
        """Hold what was claimed; reading begins at `start`."""
        stream_ms = None if claim.stream_time is None else epoch_ms(claim.stream_time)
        self._arrived = False
        self._silence.claimed(claim.partition, claim.owner_epoch)
        self._held[claim.partition] = Held(
            claim.partition,
            claim.owner_epoch,
            flushed_to=claim.next_offset,
            next_offset=claim.next_offset,
            expected=claim.last if start < claim.next_offset else None,
            stream_ms=stream_ms,
            replay=claim.replay,
            claimed_ms=stream_ms,
        )

    def ask(self, now_ms: int) -> None:
        """The broker is asked for records, as it is every second while there is room for them."""
        self._silence.ask(now_ms)

    def clear(self) -> None:
        self._held.clear()

    def replays(self) -> dict[int, ReplaySpan]:
        """Partition → what is counted anew of it; empty but after `hashgauge rebuild --shares`."""
        return {
            partition: held.replay
            for partition, held in self._held.items()
            if held.replay is not None
        }

    def accept(self, records: Mapping[int, Sequence[Record]]) -> list[Record]:
        """The records not taken yet. Changes nothing but marking the log of a partition verified.

        Raises FatalError where the first record of a partition is not the one taken last.
        """
        fresh: list[Record] = []
        for partition, batch in records.items():
            held = self._held.get(partition)
            if held is None or not batch:
                continue
            start = 0
            if held.expected is not None:
                verify(partition, held.expected, batch[0])
                held.expected = None
                start = 1
            elif batch[0].offset < held.next_offset:
                message = f"partition {partition}: offset {batch[0].offset} came twice"
                raise FatalError(message)
            fresh += batch[start:] if start else batch
        return fresh

    def take(
        self,
        records: Mapping[int, Sequence[Record]],
        progress: Mapping[int, Progress],
        *,
        now_ms: int,
    ) -> None:
        """What `accept` answered is in the checkpoint now."""
        self.ask(now_ms)
        latest_ms = None
        if self._config.clock == "wall":
            latest_ms = now_ms + round(self._config.clock_tolerance_s * 1_000)
        for partition, held in self._held.items():
            held.progress = progress.get(partition, held.progress)
            batch = records.get(partition)
            polled_ms = None if held.progress is None else held.progress.polled_ms
            held.heard_ms = now_ms if batch else max(held.heard_ms, polled_ms or 0)
            self._note_outage(held)
            if batch and batch[-1].offset >= held.next_offset:
                held.last = batch[-1]
                found_ms = newest([record.timestamp for record in batch], latest_ms=latest_ms)
                if found_ms is not None:
                    held.newest_ms = max(found_ms, held.newest_ms or found_ms)
                held.next_offset = batch[-1].offset + 1
            if held.replay is not None and _passed(held, held.replay.until):
                held.replay = None

    def seal(self, now_ms: int) -> Iterable[PartitionShare]:
        """What was taken since the last seal, to be written with the shares; stream time moves."""
        self._arrive(now_ms)
        for held in self._held.values():
            at_end = self._at_end(held, now_ms)
            held.stream_ms = advance(
                held.stream_ms,
                record_ms=held.newest_ms,
                at_end=at_end,
                now_ms=now_ms,
                clock=self._config.clock,
            )
            yield PartitionShare(
                held.partition,
                held.epoch,
                from_offset=held.flushed_to,
                next_offset=held.next_offset,
                last=held.last,
                stream_ms=held.stream_ms,
                caught_up=at_end,
                replays=held.replay is not None,
                outage=held.outage,
            )
            held.flushed_to, held.last, held.outage = held.next_offset, None, None

    def stream_ms(self) -> int | None:
        """The stream time of the partition that is furthest behind."""
        known = [held.stream_ms for held in self if held.stream_ms is not None]
        return min(known, default=None)

    def silent_ms(self) -> int:
        """How old the oldest of the newest answers was when the broker was asked last: while a slow
        database holds intake up nobody asks, and the broker owes nothing."""
        heard_ms = [held.heard_ms for held in self if held.heard_ms]
        asked_ms = self._silence.asked_ms
        return 0 if asked_ms is None or not heard_ms else max(0, asked_ms - min(heard_ms))

    def _at_end(self, held: Held, now_ms: int) -> bool:
        return held.progress is not None and held.progress.at_end(
            now_ms, self._config.fresh_fetch_s
        )

    def _note_outage(self, held: Held) -> None:
        """The broker was away while we held the partition and asked."""
        if self._config.clock != "wall" or not held.heard_ms:
            return
        found = self._silence.answered(held.partition, held.heard_ms, stream_ms=held.stream_ms)
        if found is not None:
            held.outage = found.joined(held.outage)

    def _arrive(self, now_ms: int) -> None:
        """The first time at the end of all logs after a claim: we were away, and what we missed is
        an outage too where the logs hold nothing of it. A backlog of any of them proves that there
        was none.

            log          r..r..r | stored stream time           now
            no backlog                 |=========================|
        """
        if self._arrived or not all(self._at_end(held, now_ms) for held in self):
            return
        self._arrived = True
        known = [held.claimed_ms for held in self if held.claimed_ms is not None]
        if self._config.clock != "wall" or not known:
            return
        stood_ms = max(known + [held.newest_ms for held in self if held.newest_ms is not None])
        if now_ms - stood_ms > self._config.outage_gap_s * 1_000:
            for held in self:
                held.outage = Outage(stood_ms, now_ms).joined(held.outage)


def _passed(held: Held, offset: int) -> bool:
    """Whether reading stands at `offset` or behind it. The last offsets before it may hold marks of
    transactions or nothing any more, which the consumer steps over: its position tells."""
    position = 0 if held.progress is None else held.progress.position
    return max(held.next_offset, position) >= offset
