"""Where the log of a topic passes an instant, for whoever wants to read it again from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.errors import FatalError
from ingest.kafka.record import Record
from ingest.kafka.unreadable_batch import bound_batches

_READ_MS: Final = 5_000


@dataclass(frozen=True, slots=True)
class LogPlace:
    """One partition.

        log  [beginning ... |before|start ... at or later ... end)

    start   no record before it is stamped `prime_ms` or later; the end where none is
    whole   the log was never cut, or still holds an older record before the first one stamped
            `at_ms` or later: the broker drops segments by their newest stamp, oldest first
    before  the last record that can be read before `start`, where there is one next to it
    begins_ms  the stamp of the log's first record; None if it holds none
    """

    start: int
    whole: bool
    before: Record | None
    begins_ms: int | None = None


async def log_places(
    bootstrap_servers: str,
    topic: str,
    *,
    at_ms: int,
    prime_ms: int,
    client: dict[str, Any] | None = None,
) -> dict[int, LogPlace]:
    """Partition → place. `prime_ms` is at or before `at_ms`: reading begins that much earlier where
    the log still reaches back so far. Raises KafkaError, and FatalError for a broker that cannot
    look offsets up by time.

    The broker answers with the first record stamped so or later, whatever the order of the stamps:
    none before it is.
    """
    bound_batches()
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        # As intake reads, or the record before could be one that intake never sees.
        isolation_level="read_committed",
        **(client or {}),
    )
    await consumer.start()
    try:
        numbers = sorted(consumer.partitions_for_topic(topic) or ())
        return {
            number: await _place(consumer, TopicPartition(topic, number), at_ms, prime_ms)
            for number in numbers
        }
    finally:
        await consumer.stop()


async def _place(
    consumer: AIOKafkaConsumer, at: TopicPartition, at_ms: int, prime_ms: int
) -> LogPlace:
    beginning = (await consumer.beginning_offsets([at]))[at]
    # Before the look-up: what comes in after it is stamped by producers as they like.
    end = (await consumer.end_offsets([at]))[at]
    first = await _first(consumer, at, at_ms, beginning, end)
    start = await _first(consumer, at, prime_ms, beginning, end)
    whole = beginning == 0 or first > beginning
    oldest = (await consumer.offsets_for_times({at: 0}))[at]
    return LogPlace(
        start,
        whole,
        await _before(consumer, at, start, beginning),
        None if oldest is None else oldest.timestamp,
    )


async def _first(
    consumer: AIOKafkaConsumer, at: TopicPartition, stamp_ms: int, beginning: int, end: int
) -> int:
    found = (await consumer.offsets_for_times({at: max(0, stamp_ms)}))[at]
    if found is not None:
        return min(end, int(found.offset))
    last = await _before(consumer, at, end, beginning)
    if last is not None and last.timestamp >= stamp_ms:
        # The one in librdkafka's mock cluster answers nothing to every question of the kind.
        raise FatalError(f"the broker does not say where {at.topic} passes an instant")
    return end


async def _before(
    consumer: AIOKafkaConsumer, at: TopicPartition, start: int, beginning: int
) -> Record | None:
    if start <= beginning:
        return None
    consumer.seek(at, start - 1)
    records = (await consumer.getmany(at, timeout_ms=_READ_MS, max_records=1)).get(at)
    # A mark of a transaction may lie there instead.
    return records[0] if records and records[0].offset < start else None
