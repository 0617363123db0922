"""Reading the dead letter topic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.dead_letters.letter import StoredDeadLetter, stored_dead_letter_of
from ingest.dead_letters.sink import DEAD_LETTER_MAX_BYTES
from ingest.kafka.unreadable_batch import bound_batches
from schemas import topics
from schemas.topics import InvalidReason

log = structlog.get_logger(__name__)


async def read_dead_letters(
    bootstrap_servers: str,
    topic: str = topics.DEAD_LETTERS,
    *,
    reasons: Collection[InvalidReason] = (),
    since_ms: int | None = None,
    client: Mapping[str, Any] | None = None,
) -> AsyncIterator[StoredDeadLetter]:
    """All letters from the start (or from `since_ms`) to the end as it is now, by partition.

    `reasons` empty means all. Records that are no letters are named in the log and passed over.
    Commits nothing and joins no group.
    """
    bound_batches()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=DEAD_LETTER_MAX_BYTES,
        **(client or {}),
    )
    await consumer.start()
    try:
        await consumer._client.set_topics([topic])  # noqa: SLF001
        for partition in sorted(consumer.partitions_for_topic(topic) or ()):
            async for letter in _read_partition(
                consumer, TopicPartition(topic, partition), since_ms
            ):
                if not reasons or letter.reason in reasons:
                    yield letter
    finally:
        await consumer.stop()


async def _read_partition(
    consumer: AIOKafkaConsumer, partition: TopicPartition, since_ms: int | None
) -> AsyncIterator[StoredDeadLetter]:
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    start = (await consumer.beginning_offsets([partition]))[partition]
    if since_ms is not None:
        found = (await consumer.offsets_for_times({partition: since_ms}))[partition]
        start = end if found is None else found.offset
    consumer.seek(partition, start)
    while await consumer.position(partition) < end:
        for records in (await consumer.getmany(partition, timeout_ms=1_000)).values():
            for record in records:
                if record.offset >= end:
                    return
                try:
                    letter = stored_dead_letter_of(record)
                except ValueError as error:
                    log.warning("not_a_dead_letter", partition=record.partition, error=str(error))
                else:
                    yield letter
