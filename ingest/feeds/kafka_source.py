"""Reads topics of another pool's Kafka from given offsets; no group, no commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from ingest.errors import FatalError, RetryableError
from ingest.kafka.unreadable_batch import bound_batches


class SourceTopic:
    """Some partitions of one topic, from their first records on; none where the topic is missing.

    Use as an async context manager; one task owns it.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        partitions: Iterable[int],
        client: dict[str, Any],
    ) -> None:
        self._topic = topic
        bound_batches()
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            enable_auto_commit=False,
            auto_offset_reset="none",
            **client,
        )
        self.assigned = [TopicPartition(topic, partition) for partition in sorted(partitions)]

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            if self.assigned:
                self._consumer.assign(self.assigned)
                await self._consumer.seek_to_beginning(*self.assigned)
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise RetryableError(f"cannot read {self._topic}: {error!r}") from error
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._consumer.stop()

    async def bounds(self) -> dict[int, tuple[int, int]]:
        """First offset and the one after the last, by partition. Raises RetryableError."""
        try:
            first = await self._consumer.beginning_offsets(self.assigned)
            end = await self._consumer.end_offsets(self.assigned)
        except (KafkaError, OSError) as error:
            raise RetryableError(f"no offsets of {self._topic}: {error!r}") from error
        return {each.partition: (first[each], end[each]) for each in self.assigned}

    def seek(self, partition: int, offset: int) -> None:
        self._consumer.seek(TopicPartition(self._topic, partition), offset)

    async def position(self, partition: int) -> int:
        return int(await self._consumer.position(TopicPartition(self._topic, partition)))

    async def read(self, *, timeout_s: float, limit: int) -> Sequence[Any]:
        """Records in the order of offsets; none where none came in time. Raises RetryableError."""
        if not self.assigned:
            return []
        try:
            fetched = await self._consumer.getmany(
                timeout_ms=round(timeout_s * 1_000), max_records=limit
            )
        except OffsetOutOfRangeError as error:
            raise FatalError(f"{self._topic} was truncated or recreated: {error}") from error
        except (KafkaError, OSError) as error:
            raise RetryableError(f"cannot read {self._topic}: {error!r}") from error
        return [record for batch in fetched.values() for record in batch]


@dataclass(frozen=True, slots=True)
class SourceCluster:
    """What a source is: the id of its cluster, and the partitions of the topics asked for."""

    id: str
    partitions: dict[str, set[int]]


async def look_up(
    bootstrap_servers: str, topics: Sequence[str], *, client: dict[str, Any]
) -> SourceCluster:
    """Ask the cluster; a topic that is missing has no partitions. Raises RetryableError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, **client)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        found = await admin.describe_topics(list(topics))
    except (KafkaError, OSError) as error:
        raise RetryableError(f"no broker at {bootstrap_servers}: {error!r}") from error
    finally:
        await admin.close()
    partitions = {
        topic["topic"]: {partition["partition"] for partition in topic["partitions"]}
        for topic in found
    }
    return SourceCluster(str(cluster["cluster_id"]), partitions)
