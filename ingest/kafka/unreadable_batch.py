"""A batch that claims more memory than any honest one: stepped over, as one record that says so.

aiokafka raises while it unpacks such a batch, and would meet it again for ever. Here it unpacks one
record in its place, at the batch's last offset, whose value is an `UnreadableBatch`: intake
dead-letters it like any message that cannot be read, and goes on after it.

    log          |..5..|6 ......... 905|906..|
    records         5         905        906
                    (value: offsets 6 to 905, zstd)

A partition's part of a fetch also ends early once its records fill `FETCH_BYTES`: many batches that
each keep within the limit do not fit into memory together either. What is left is fetched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.consumer import fetcher

from ingest.kafka.bounded_inflate import InflatedTooLargeError, limit_inflation

# 16 times the largest batch that is fetched. Text compresses 10 to 20 times; a batch that claims
# more is an attack, or a mistake.
INFLATED_BYTES: Final = 128 * 1024 * 1024
# Twice what the broker may send at once, uncompressed.
FETCH_BYTES: Final = 64 * 1024 * 1024


class UnreadableBatch(bytes):
    """The value of such a record: empty, and no producer can make one."""

    detail: str

    @classmethod
    def of(cls, first: int, last: int, error: InflatedTooLargeError) -> UnreadableBatch:
        value = cls()
        value.detail = f"batch of offsets {first} to {last}: {error}"
        return value


@dataclass(frozen=True, slots=True)
class _StandIn:
    """What aiokafka expects of a record."""

    offset: int
    timestamp: int
    value: UnreadableBatch
    timestamp_type: int = 0
    key: None = None
    checksum: None = None
    headers: tuple[()] = ()


class _Batch:
    """A batch of aiokafka, all of it but how it is unpacked."""

    def __init__(self, batch: Any, first: int) -> None:
        self._batch = batch
        self._first = first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        batch = self._batch
        try:
            yield from batch
        except InflatedTooLargeError as error:
            # A batch is inflated before its first record: none was given out.
            first = getattr(batch, "base_offset", self._first)
            last = batch.next_offset - 1
            value = UnreadableBatch.of(first, last, error)
            yield _StandIn(last, getattr(batch, "max_timestamp", -1), value)


class _Batches:
    """aiokafka's `MemoryRecords`, whose batches are ours."""

    def __init__(self, records: Any, first: int) -> None:
        self._records = records
        self._first = first

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def next_batch(self) -> _Batch:
        batch = self._records.next_batch()
        first, self._first = self._first, batch.next_offset
        return _Batch(batch, first)


class _BoundedRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one partition in a fetch."""

    def __init__(self, tp: Any, records: Any, aborted: Any, fetch_offset: int, *rest: Any) -> None:
        super().__init__(tp, _Batches(records, fetch_offset), aborted, fetch_offset, *rest)
        self._left_bytes = FETCH_BYTES

    def __next__(self) -> Any:
        if self._left_bytes <= 0:
            # As at the end of what was fetched: aiokafka goes on from `next_fetch_offset`.
            self._records_iterator = None
            raise StopIteration
        record = super().__next__()
        self._left_bytes -= len(record.value or b"") + len(record.key or b"")
        return record


def bound_batches(limit_bytes: int = INFLATED_BYTES) -> None:
    """From now on no consumer of this process inflates a batch beyond `limit_bytes`."""
    limit_inflation(limit_bytes)
    fetcher.PartitionRecords = _BoundedRecords
