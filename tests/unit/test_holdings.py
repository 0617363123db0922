"""What a process holds of its partitions between two flushes."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.holdings import Holdings
from aggregator.minutes.offsets import Claim

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
    holdings = Holdings(IntakeConfig(clock="records"))
    holdings.add(Claim(0, 1, 0, None, None, None, None), 0)
    records = {0: [Record(0, NOW_MS), Record(1, NOW_MS - 60_000)]}
    holdings.take(records, {}, now_ms=NOW_MS)
    (share,) = holdings.seal(NOW_MS)
    assert share.next_offset == 2
    assert share.stream_ms == NOW_MS
