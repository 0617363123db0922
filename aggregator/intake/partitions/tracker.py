"""The partitions assigned to this process: what is consumed and flushed of each. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregator.intake.checkpoint import LastRecord, PartitionShare
from aggregator.intake.config import IntakeConfig
from aggregator.intake.partitions.broker_outages import OutageDetector
from aggregator.intake.partitions.offsets import Claim, ReplaySpan, verify
from aggregator.intake.partitions.stream_time import advance, newest
from aggregator.intake.timestamps import epoch_ms
from ingest.errors import FatalError
from ingest.kafka.progress import Progress
from ingest.kafka.record import Record


@dataclass(slots=True)
class PartitionState:
    """One partition, assigned under `epoch`.

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
    # None if nothing is counted again.
    replay: ReplaySpan | None = None
    last: Record | None = None
    # The newest credible timestamp: producers' clocks differ, the last record may be older.
    newest_ms: int | None = None
    progress: Progress | None = None
    # When the broker last sent records or said that there are none.
    answered_ms: int = 0


class AssignedPartitions:
    """Not thread-safe: one task owns it. Refuses records that do not follow the ones before."""

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config
        self._states: dict[int, PartitionState] = {}
        self.outages = OutageDetector(config.outage_gap_s if config.clock == "wall" else 0)

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[PartitionState]:
        return iter(self._states.values())

    def add(self, claim: Claim, start: int) -> None:
        """A claimed partition; reading begins at `start`."""
        stream_ms = None if claim.stream_time is None else epoch_ms(claim.stream_time)
        self.outages.claimed(claim.partition, claim.owner_epoch, stream_ms)
        self._states[claim.partition] = PartitionState(
            claim.partition,
            claim.owner_epoch,
            flushed_to=claim.next_offset,
            next_offset=claim.next_offset,
            expected=claim.last if start < claim.next_offset else None,
            stream_ms=stream_ms,
            replay=claim.replay,
        )

    def clear(self) -> None:
        self._states.clear()

    def replays(self) -> dict[int, ReplaySpan]:
        """Partition → what is counted again of it; empty but after `hashgauge rebuild --shares`."""
        return {
            partition: state.replay
            for partition, state in self._states.items()
            if state.replay is not None
        }

    def verify(self, records: Mapping[int, Sequence[Record]]) -> list[Record]:
        """The records that were not consumed yet. Only notes that the log of a partition is right.

        Raises FatalError if the first record of a partition is not the one consumed last.
        """
        new: list[Record] = []
        for partition, batch in records.items():
            state = self._states.get(partition)
            if state is None or not batch:
                continue
            start = 0
            if state.expected is not None:
                verify(partition, state.expected, batch[0])
                state.expected = None
                start = 1
            elif batch[0].offset < state.next_offset:
                message = f"partition {partition}: offset {batch[0].offset} came twice"
                raise FatalError(message)
            new += batch[start:] if start else batch
        return new

    def advance(
        self,
        records: Mapping[int, Sequence[Record]],
        progress: Mapping[int, Progress],
        *,
        now_ms: int,
    ) -> None:
        """What `verify` returned is in the checkpoint now."""
        self.outages.ask(now_ms)
        latest_ms = None
        if self._config.clock == "wall":
            latest_ms = now_ms + round(self._config.clock_tolerance_s * 1_000)
        for partition, state in self._states.items():
            state.progress = progress.get(partition, state.progress)
            batch = records.get(partition)
            polled_ms = None if state.progress is None else state.progress.polled_ms
            state.answered_ms = now_ms if batch else max(state.answered_ms, polled_ms or 0)
            if state.answered_ms:
                self.outages.answered(partition, state.answered_ms, stream_ms=state.stream_ms)
            if batch and batch[-1].offset >= state.next_offset:
                state.last = batch[-1]
                found_ms = newest([record.timestamp for record in batch], latest_ms=latest_ms)
                if found_ms is not None:
                    state.newest_ms = max(found_ms, state.newest_ms or found_ms)
                state.next_offset = batch[-1].offset + 1
            if state.replay is not None and _passed(state, state.replay.until):
                state.replay = None

    def seal(self, now_ms: int, *, history_ms: int | None = None) -> Iterable[PartitionShare]:
        """What was consumed since the last seal, to be written with the shares; stream time moves.

        history_ms  how far sources have come that are sending their history (`LaggingSources`)
        """
        at_end = {state.partition: self._at_end(state, now_ms) for state in self}
        if all(at_end.values()):
            found = [state.newest_ms for state in self if state.newest_ms is not None]
            self.outages.at_all_ends(at_end, found, now_ms)
        for state in self._states.values():
            state.stream_ms = self._advanced(state, now_ms)
            yield PartitionShare(
                state.partition,
                state.epoch,
                from_offset=state.flushed_to,
                next_offset=state.next_offset,
                last=state.last,
                stream_ms=state.stream_ms,
                caught_up=at_end[state.partition] and history_ms is None,
                history_ms=history_ms,
                replays=state.replay is not None,
                outage=self.outages.pop(state.partition),
            )
            state.flushed_to, state.last = state.next_offset, None

    def stored(self, stream_ms: Mapping[int, int | None]) -> None:
        """Stream time as the database has it after a flush, which goes by the database's clock.

        If the clock of this host was ahead for a while, what it said is taken back here.
        """
        for partition, stored_ms in stream_ms.items():
            state = self._states.get(partition)
            if state is not None and stored_ms is not None and state.stream_ms is not None:
                state.stream_ms = min(state.stream_ms, stored_ms)

    def stream_ms(self) -> int | None:
        """The stream time of the partition that has the lowest."""
        known = [state.stream_ms for state in self if state.stream_ms is not None]
        return min(known, default=None)

    def silent_ms(self) -> int:
        """Age of the oldest of the newest answers when the broker was asked last.

        While a slow database holds intake up nobody asks, and the broker owes no answer.
        """
        answered_ms = [state.answered_ms for state in self if state.answered_ms]
        asked_ms = self.outages.asked_ms
        return 0 if asked_ms is None or not answered_ms else max(0, asked_ms - min(answered_ms))

    def reached_ms(self, now_ms: int) -> int:
        """Where the stream stands with what was consumed: what the next `seal` will say."""
        reached = [self._advanced(state, now_ms) for state in self]
        return min((each for each in reached if each is not None), default=now_ms)

    def _advanced(self, state: PartitionState, now_ms: int) -> int | None:
        return advance(
            state.stream_ms,
            record_ms=state.newest_ms,
            at_end=self._at_end(state, now_ms),
            now_ms=now_ms,
            clock=self._config.clock,
        )

    def _at_end(self, state: PartitionState, now_ms: int) -> bool:
        return state.progress is not None and state.progress.at_end(
            now_ms, self._config.fresh_fetch_s
        )


def _passed(state: PartitionState, offset: int) -> bool:
    """Whether reading has come to `offset`. The last offsets before it may hold transaction markers
    or nothing any more, which the consumer steps over: its position shows that."""
    position = 0 if state.progress is None else state.progress.position
    return max(state.next_offset, position) >= offset
