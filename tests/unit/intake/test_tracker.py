"""What a process holds of its partitions between two flushes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from aggregator.intake.config import IntakeConfig
from aggregator.intake.partitions.broker_outages import Outage
from aggregator.intake.partitions.offsets import Claim
from aggregator.intake.partitions.stream_time import StreamClock
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.intake.timestamps import timestamp_of
from ingest.kafka.progress import Progress

NOW_MS = 1_800_000_000_000


@dataclass(frozen=True, slots=True)
class Record:
    offset: int
    timestamp: int
    partition: int = 0
    topic: str = "shares"
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: tuple[tuple[str, bytes], ...] = ()


def test_stream_time_is_the_newest_record_not_the_last() -> None:
    tracked = AssignedPartitions(IntakeConfig(clock="records"))
    tracked.add(Claim(0, 1, 0, None, None, None, None), 0)
    records = {0: [Record(0, NOW_MS), Record(1, NOW_MS - 60_000)]}
    tracked.advance(records, {}, now_ms=NOW_MS)
    (share,) = tracked.seal(NOW_MS)
    assert share.next_offset == 2
    assert share.stream_ms == NOW_MS


def test_broker_that_nobody_asks_owes_no_answer() -> None:
    intake = Intake()
    intake.claim(known_s=0)
    assert intake.tracked.silent_ms() == 0
    intake.live(range(10))
    # The buffer was full while a slow flush ran.
    intake.seal(60)
    assert intake.tracked.silent_ms() == 0
    intake.broker_away(range(60, 80))
    assert intake.tracked.silent_ms() == 20_000


@pytest.mark.parametrize("stamp_ms", [-1, NOW_MS + 86_400_000, NOW_MS * 1_000])
def test_record_with_a_wild_stamp_takes_stream_time_nowhere(stamp_ms: int) -> None:
    """In the middle of a backlog it would make everybody look silent whose shares lie ahead."""
    tracked = AssignedPartitions(IntakeConfig())
    tracked.add(Claim(0, 1, 0, None, None, None, timestamp_of(NOW_MS - 7_200_000)), 0)
    for number, at_ms in enumerate((NOW_MS - 3_600_000, stamp_ms)):
        tracked.advance(
            {0: [Record(number, at_ms)]}, {0: Progress(number, 9, NOW_MS)}, now_ms=NOW_MS
        )
        (share,) = tracked.seal(NOW_MS)
        assert share.stream_ms == NOW_MS - 3_600_000


def test_stream_time_of_records_without_a_stamp_is_unknown() -> None:
    tracked = AssignedPartitions(IntakeConfig())
    tracked.add(Claim(0, 1, 0, None, None, None, None), 0)
    tracked.advance({0: [Record(0, -1)]}, {}, now_ms=NOW_MS)
    (share,) = tracked.seal(NOW_MS)
    assert share.stream_ms is None


class Intake:
    """AssignedPartitions, turn by turn as intake drives them; times in seconds after NOW_MS."""

    def __init__(self, clock: StreamClock = "wall", partitions: int = 1) -> None:
        self.tracked = AssignedPartitions(IntakeConfig(clock=clock))
        self.partitions = range(partitions)
        self.ends = dict.fromkeys(self.partitions, 0)

    def claim(self, *, known_s: float | None, epoch: int = 1) -> None:
        stream_time = None if known_s is None else timestamp_of(NOW_MS + round(known_s * 1_000))
        for each in self.partitions:
            self.tracked.add(Claim(each, epoch, self.ends[each], None, None, None, stream_time), 0)

    def turn(
        self, at_s: int, *, answered_s: int | None, records: dict[int, list[int]] | None = None
    ) -> None:
        """One fetch: `answered_s` is the broker's newest answer, records have their seconds."""
        now_ms = NOW_MS + at_s * 1_000
        self.tracked.outages.ask(now_ms)
        batches = {
            each: [
                Record(self.ends[each] + n, NOW_MS + second * 1_000, each)
                for n, second in enumerate(seconds)
            ]
            for each, seconds in (records or {}).items()
        }
        for each, batch in batches.items():
            self.ends[each] += len(batch)
        polled_ms = None if answered_s is None else NOW_MS + answered_s * 1_000
        progress = {
            each: Progress(
                self.ends[each], None if answered_s is None else self.ends[each], polled_ms
            )
            for each in self.partitions
        }
        self.tracked.advance(batches, progress, now_ms=now_ms)

    def seal(self, at_s: int) -> list[tuple[int, int] | None]:
        """The outages of a checkpoint, in seconds, by partition."""
        return [in_seconds(part.outage) for part in self.tracked.seal(NOW_MS + at_s * 1_000)]

    def live(self, seconds: range) -> None:
        for second in seconds:
            self.turn(second, answered_s=second)
            assert set(self.seal(second)) == {None}

    def broker_away(self, seconds: range) -> None:
        """It is asked, and its newest answer grows old."""
        for second in seconds:
            self.turn(second, answered_s=seconds.start - 1)
            assert set(self.seal(second)) == {None}


def in_seconds(outage: Outage | None) -> tuple[int, int] | None:
    if outage is None:
        return None
    return ((outage.stood_ms - NOW_MS) // 1_000, (outage.resumed_ms - NOW_MS) // 1_000)


def test_jump_by_reaching_the_end_is_an_outage_and_reported_once() -> None:
    intake = Intake()
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.broker_away(range(10, 400))
    intake.turn(400, answered_s=400)
    # Stream time went on for the 5 s for which a fetch is fresh.
    assert intake.seal(400) == [(13, 400)]
    intake.live(range(401, 410))


def test_shares_that_were_buffered_and_come_with_the_first_answer_hide_no_outage() -> None:
    intake = Intake()
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.broker_away(range(10, 400))
    intake.turn(400, answered_s=400, records={0: list(range(10, 399))})
    assert intake.seal(400) == [(13, 400)]


def test_pause_of_the_broker_as_long_as_the_gap_is_none() -> None:
    intake = Intake()
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.broker_away(range(10, 180))
    intake.live(range(189, 195))


def test_outage_of_a_broker_that_a_rebalance_ends_is_known() -> None:
    intake = Intake()
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.broker_away(range(10, 400))
    intake.tracked.clear()
    intake.claim(known_s=13, epoch=2)
    intake.turn(401, answered_s=401, records={0: list(range(10, 399))})
    assert intake.seal(401) == [(13, 401)]


def test_partition_that_another_process_held_meanwhile_was_not_out() -> None:
    intake = Intake()
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.tracked.clear()
    for second in range(10, 400):
        intake.tracked.outages.ask(NOW_MS + second * 1_000)
    intake.claim(known_s=399, epoch=3)
    intake.live(range(400, 410))


def test_database_that_is_away_is_no_outage_of_the_broker() -> None:
    """Nobody asked: neither a full buffer nor a fetch that waits for new workers does."""
    intake = Intake()
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.turn(700, answered_s=700, records={0: list(range(10, 650))})
    assert intake.seal(700) == [None]


def test_no_jump_by_records_of_a_backlog_is_an_outage() -> None:
    """Intake was stopped for an hour, of which one partition has shares."""
    intake = Intake(partitions=2)
    intake.claim(known_s=0)
    for turn in range(36):
        now_s = 3_600 + turn
        behind = list(range(turn * 100, (turn + 1) * 100))
        intake.turn(now_s, answered_s=None, records={0: behind})
        assert intake.seal(now_s) == [None, None]
    intake.turn(3_636, answered_s=3_636)
    assert intake.seal(3_636) == [None, None]
    intake.live(range(3_637, 3_640))


def test_broker_and_intake_were_down_and_nothing_is_there_yet() -> None:
    intake = Intake(partitions=2)
    intake.claim(known_s=0)
    intake.turn(3_600, answered_s=3_600)
    assert intake.seal(3_600) == [(0, 3_600)] * 2
    intake.live(range(3_601, 3_604))


def test_first_contact_when_nothing_was_known_is_none() -> None:
    intake = Intake()
    intake.claim(known_s=None)
    intake.turn(3_600, answered_s=3_600)
    assert intake.seal(3_600) == [None]


def test_outage_in_the_first_seconds_of_a_new_database_is_known() -> None:
    intake = Intake()
    intake.claim(known_s=None)
    intake.live(range(3))
    intake.broker_away(range(3, 600))
    intake.turn(600, answered_s=600, records={0: [599]})
    assert intake.seal(600) == [(6, 600)]


def test_stream_that_goes_by_its_records_has_no_outages() -> None:
    intake = Intake(clock="records")
    intake.claim(known_s=0)
    intake.live(range(10))
    intake.broker_away(range(10, 400))
    intake.turn(400, answered_s=400)
    assert intake.seal(400) == [None]
