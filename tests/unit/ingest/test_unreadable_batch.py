"""A fetch's batches, of every message format and codec, as intake's consumer unpacks them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord, TopicPartition

from ingest.kafka import unreadable_batch
from ingest.kafka.bounded_inflate import MODULES, inflaters
from ingest.kafka.unreadable_batch import UnreadableBatch, bound_batches

LIMIT = 1 << 20
NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
# Format 1 is what brokers before Kafka 0.11 wrote; a log may still hold it.
FORMATS = [
    *((1, codec) for codec in (GZIP, SNAPPY, LZ4)),
    *((2, codec) for codec in (GZIP, SNAPPY, LZ4, ZSTD)),
]


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """Batches are bounded within the test; the other tests of this process have aiokafka's own."""
    modules = [importlib.import_module(name) for name in MODULES]
    before = [
        (module, name, getattr(module, name))
        for module in modules
        for name in inflaters(LIMIT)
        if hasattr(module, name)
    ]
    records = fetcher.PartitionRecords
    bound_batches(LIMIT)
    try:
        yield
    finally:
        fetcher.PartitionRecords = records
        for module, name, original in before:
            setattr(module, name, original)


def packed(message_format: int, codec: int, first: int, values: list[bytes]) -> bytes:
    """A batch as it lies in the log; its first record has the offset `first`."""
    if message_format == 2:
        builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
        for place, value in enumerate(values):
            builder.append(place, 1_000, None, value, [])
        data = builder.build()
        data[:8] = first.to_bytes(8, "big")
    else:
        builder = LegacyRecordBatchBuilder(message_format, codec, 1 << 30)
        for place, value in enumerate(values):
            builder.append(place, 1_000, None, value)
        data = builder.build()
        # The broker writes the offset of the last record there.
        data[:8] = (first + len(values) - 1).to_bytes(8, "big")
    return bytes(data)


def fetched(log: bytes, first: int = 0) -> tuple[list[ConsumerRecord[bytes, bytes]], int]:
    """The records of one fetch, and the offset that the next one begins at."""
    partition = TopicPartition("shares", 0)
    part = fetcher.PartitionRecords(
        partition, MemoryRecords(log), [], first, None, None, False, fetcher.READ_COMMITTED
    )
    return list(part), part.next_fetch_offset


@pytest.mark.parametrize(("message_format", "codec"), [(1, NONE), (2, NONE), *FORMATS])
def test_what_fits_is_whole_and_in_order(message_format: int, codec: int) -> None:
    values = [bytes([number]) * 100 for number in range(50)]
    # Uncompressed, each record of format 1 is a batch of its own.
    width = 1 if (message_format, codec) == (1, NONE) else 10
    log = [packed(message_format, codec, at, values[at : at + width]) for at in range(0, 50, width)]
    records, following = fetched(b"".join(log))
    assert [(each.offset, each.value) for each in records] == list(enumerate(values))
    assert following == 50
    # The broker sends the whole batch in which an offset lies.
    rest = b"".join(log[25 // width :])
    assert [each.offset for each in fetched(rest, 25)[0]] == list(range(25, 50))


@pytest.mark.parametrize(("message_format", "codec"), FORMATS)
def test_what_claims_more_is_one_record_at_its_last_offset(message_format: int, codec: int) -> None:
    log = (
        packed(message_format, codec, 0, [b"before"])
        + packed(message_format, codec, 1, [bytes(LIMIT), bytes(LIMIT)])
        + packed(message_format, codec, 3, [b"after"])
    )
    records, following = fetched(log)
    assert [(each.offset, each.value) for each in records] == [
        (0, b"before"),
        (2, b""),
        (3, b"after"),
    ]
    assert following == 4
    (value,) = (each.value for each in records if isinstance(each.value, UnreadableBatch))
    assert value.detail.startswith("batch of offsets 1 to 2: ")


@pytest.mark.parametrize(("message_format", "codec"), FORMATS)
def test_inflated_batches_that_fill_a_fetch_end_it(
    message_format: int, codec: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unreadable_batch, "FETCH_BYTES", 100_000)
    log = [packed(message_format, codec, at, [bytes(60_000)]) for at in range(5)]
    offsets, following = [], 0
    for _ in range(3):
        records, following = fetched(b"".join(log[following:]), following)
        offsets.append([each.offset for each in records])
    assert offsets == [[0, 1], [2, 3], [4]]
