"""A batch that claims more memory than any honest one: stepped over, as one record that says so.

aiokafka raises while it unpacks such a batch, and would meet it again for ever. Here it unpacks one
record in its place, at the batch's last offset, whose value is an `UnreadableBatch`: intake
dead-letters it like any message that cannot be read, and goes on after it.

    log          |..5..|6 ......... 905|906..|
    records         5         905        906
                    (value: offsets 6 to 905, zstd)

A partition's part of a fetch also ends early once its inflated batches fill `FETCH_BYTES`: many
that each keep within the limit do not fit into memory together either. What is left is fetched
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from aiokafka.consumer import fetcher

from ingest.kafka.bounded_inflate import METER, InflatedTooLargeError, limit_inflation

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


class _Batches:
    """aiokafka's `MemoryRecords`, whose batches are ours and end once they fill `FETCH_BYTES`.

    What is not compressed is bounded by what the broker sends at once.
    """

    def __init__(self, records: Any, first: int) -> None:
        self._records = records
        self._first = first
        self.left_bytes = FETCH_BYTES

    def has_next(self) -> bool:
        return self.left_bytes > 0 and bool(self._records.has_next())

    def next_batch(self) -> _Batch:
        batch = self._records.next_batch()
        first, self._first = self._first, batch.next_offset
        return _Batch(batch, first, self)


class _Batch:
    """A batch of aiokafka, all of it but how it is unpacked."""

    def __init__(self, batch: Any, first: int, fetched: _Batches) -> None:
        self._batch = batch
        self._first = first
        self._fetched = fetched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        """aiokafka's own iterator, so that a single share costs nothing more."""
        batch, before = self._batch, METER.total_bytes
        try:
            records: Iterator[Any] = iter(batch)
            if records is not batch:
                # The formats before Kafka 0.11 inflate at the first record.
                records = chain(list(islice(records, 1)), records)
        except InflatedTooLargeError as error:
            first = getattr(batch, "base_offset", self._first)
            last = batch.next_offset - 1
            value = UnreadableBatch.of(first, last, error)
            return iter([_StandIn(last, getattr(batch, "max_timestamp", -1), value)])
        self._fetched.left_bytes -= METER.total_bytes - before
        return records


class _BoundedRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """The records of one partition in a fetch."""

    def __init__(self, tp: Any, records: Any, aborted: Any, fetch_offset: int, *rest: Any) -> None:
        super().__init__(tp, _Batches(records, fetch_offset), aborted, fetch_offset, *rest)


def bound_batches(limit_bytes: int = INFLATED_BYTES) -> None:
    """From now on no consumer of this process inflates a batch beyond `limit_bytes`."""
    limit_inflation(limit_bytes)
    fetcher.PartitionRecords = _BoundedRecords
