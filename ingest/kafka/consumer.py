"""The Kafka consumer of intake: fetches whole batches, never commits on its own, knows its lag."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)

from ingest.errors import FatalError, RetryableError
from ingest.kafka.progress import Progress
from ingest.kafka.rebalance import Rebalance
from ingest.kafka.record import Record
from ingest.kafka.topics import ensure_topic
from ingest.kafka.unreadable_batch import INFLATED_BYTES, bound_batches
from schemas import topics

log = structlog.get_logger(__name__)

# aiokafka tries a commit again for as long as the coordinator is away.
_COMMIT_S: Final = 1.0

RESET: Final = "look at `hashgauge offsets show`, then run `hashgauge offsets reset`"


@dataclass(frozen=True, slots=True)
class ConsumerConfig:
    """How the topic is read."""

    bootstrap_servers: str = "127.0.0.1:9092"
    topic: str = topics.SHARES
    # One group for all aggregators of one database: it hands the partitions out among them.
    group_id: str = "hashgauge"
    # What the broker calls this process in its logs and quotas.
    client_id: str = "hashgauge-intake"
    # A dead process is noticed after this long; a flush or a decode never takes as much.
    session_timeout_s: float = 10.0
    heartbeat_s: float = 3.0
    # Leaves time for the flush of revoked partitions.
    rebalance_timeout_s: float = 30.0
    # How soon partitions that were added to the topic are noticed.
    metadata_max_age_s: float = 30.0
    # Also how often an idle partition proves that it is idle.
    fetch_max_wait_s: float = 0.5
    # A fetch is decoded in one piece: large enough for columns, small enough for the heartbeat.
    fetch_max_bytes: int = 32 * 1024 * 1024
    # At least the largest message the broker takes, or that message would block its partition.
    partition_fetch_bytes: int = 8 * 1024 * 1024
    # What one batch may become in memory; one that claims more becomes a dead letter.
    inflated_batch_bytes: int = INFLATED_BYTES
    request_timeout_s: float = 40.0
    # Where the topic is missing: one aggregator per partition at most, so more than today's.
    create_partitions: int = 4
    create_replication: int = 1
    # None: the broker's, a week by default. It goes by record timestamps, so replaying an old log
    # into a topic with retention loses what is older than that.
    create_retention_s: int | None = None
    # Anything else for the client: security_protocol, sasl_mechanism, ssl_context, ...
    client: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch gave, by partition: records in order, and where reading stands after them."""

    records: Mapping[int, Sequence[Record]]
    progress: Mapping[int, Progress]


class Consumer(Protocol):
    """What intake needs of a consumer; partitions are numbers, the topic is the consumer's."""

    @property
    def topic(self) -> str: ...

    async def start(
        self,
        on_revoked: Callable[[Collection[int]], Awaitable[None]],
        on_assigned: Callable[[Collection[int]], None],
    ) -> None: ...

    async def stop(self) -> None: ...

    async def cluster_id(self) -> str: ...

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]: ...

    async def fetch(self, timeout_s: float, max_records: int) -> Fetched: ...

    def seek(self, partition: int, offset: int) -> None: ...

    def pause(self, partitions: Collection[int]) -> None: ...

    def resume(self, partitions: Collection[int]) -> None: ...

    async def commit(self, offsets: Mapping[int, int]) -> None: ...


class ShareConsumer:
    """An aiokafka consumer in a group. One task owns it; callbacks come from a task of its own.

    Partitions just assigned stand still until they are sought and resumed.
    """

    def __init__(self, config: ConsumerConfig) -> None:
        self._config = config
        self._consumer: AIOKafkaConsumer | None = None
        self._assignments = 0

    @property
    def topic(self) -> str:
        return self._config.topic

    async def start(
        self,
        on_revoked: Callable[[Collection[int]], Awaitable[None]],
        on_assigned: Callable[[Collection[int]], None],
    ) -> None:
        """Join the group. Raises RetryableError while the broker is away."""
        bound_batches(self._config.inflated_batch_bytes)
        await self._ensure_topic()
        config = self._config
        consumer = AIOKafkaConsumer(
            bootstrap_servers=config.bootstrap_servers,
            client_id=config.client_id,
            group_id=config.group_id,
            enable_auto_commit=False,
            # The database says where to start; only it knows what was counted.
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=_ms(config.session_timeout_s),
            heartbeat_interval_ms=_ms(config.heartbeat_s),
            rebalance_timeout_ms=_ms(config.rebalance_timeout_s),
            metadata_max_age_ms=_ms(config.metadata_max_age_s),
            fetch_max_wait_ms=_ms(config.fetch_max_wait_s),
            fetch_max_bytes=config.fetch_max_bytes,
            max_partition_fetch_bytes=config.partition_fetch_bytes,
            request_timeout_ms=_ms(config.request_timeout_s),
            # Nothing is fetched while the database is away, however long: that is no reason to
            # leave the group (a day is aiokafka's way to say never).
            max_poll_interval_ms=86_400_000,
            # TCP and the broker check; a second CRC of each batch would cost 2 % here.
            check_crcs=False,
            partition_assignment_strategy=(StickyPartitionAssignor,),
            **config.client,
        )

        def assigned(partitions: Collection[int]) -> None:
            self._assignments += 1
            on_assigned(partitions)

        rebalance = Rebalance(consumer, on_revoked, assigned)
        try:
            consumer.subscribe([config.topic], listener=rebalance)
            self._consumer = consumer
            await consumer.start()
        except (KafkaError, OSError) as error:
            self._consumer = None
            await consumer.stop()
            raise RetryableError(f"no broker at {config.bootstrap_servers}: {error}") from error

    async def stop(self) -> None:
        """Leave the group; its other members take over at once."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def cluster_id(self) -> str:
        """Id of the cluster at the bootstrap servers. Raises RetryableError."""
        admin = self._admin()
        try:
            await admin.start()
            return str((await admin.describe_cluster())["cluster_id"])
        except (KafkaError, OSError, TimeoutError) as error:
            raise RetryableError(f"broker does not answer: {error}") from error
        finally:
            await admin.close()

    async def bounds(self, partitions: Collection[int]) -> dict[int, tuple[int, int]]:
        """First offset and the one after the last, by partition. Raises RetryableError."""
        asked = self._partitions(partitions)
        try:
            first = await self._running.beginning_offsets(asked)
            end = await self._running.end_offsets(asked)
        except (KafkaError, OSError, TimeoutError) as error:
            raise RetryableError(f"no offsets of {self.topic}: {error}") from error
        return {each.partition: (first[each], end[each]) for each in asked}

    async def fetch(self, timeout_s: float, max_records: int) -> Fetched:
        """Records of the partitions that are not paused, and how far that leaves each.

        Raises FatalError if the log does not hold the offset that is due, RetryableError for
        what passes, and for a batch that cannot be read.
        """
        assignments, positions = self._assignments, dict[TopicPartition, int]()
        try:
            positions = await self._positions()
            fetched = await self._running.getmany(
                timeout_ms=_ms(timeout_s), max_records=max_records
            )
            progress = {
                each.partition: await self._progress(each) for each in self._running.assignment()
            }
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            raise FatalError(
                f"the log of {self.topic} was truncated or recreated: {error}; {RESET}"
            ) from error
        except RecordTooLargeError as error:
            # aiokafka steps over such a record; going on would lose it.
            raise FatalError(
                f"a record is too large: raise partition_fetch_bytes ({error})"
            ) from error
        except Exception as error:
            # aiokafka has stepped over what it read in this call before the error, in all
            # partitions: going on from there would lose it without a word.
            self._go_back(assignments, positions)
            if isinstance(error, KafkaError | OSError):
                raise RetryableError(f"fetch failed: {error!r}") from error
            # Whatever a codec or a header's name raises. Damaged on the way, it is whole at the
            # next try; damaged in the log, only a person may step over it.
            places = {each.partition: offset for each, offset in positions.items()}
            message = f"a batch after {places} cannot be read: {error!r}; if it stays so, {RESET}"
            raise RetryableError(message) from error
        return Fetched({each.partition: batch for each, batch in fetched.items()}, progress)

    def seek(self, partition: int, offset: int) -> None:
        self._running.seek(TopicPartition(self.topic, partition), offset)

    def pause(self, partitions: Collection[int]) -> None:
        self._running.pause(*self._partitions(partitions))

    def resume(self, partitions: Collection[int]) -> None:
        self._running.resume(*self._partitions(partitions))

    async def _positions(self) -> dict[TopicPartition, int]:
        """Waits only while an assignment is being made: until then nothing is at a place."""
        assigned = self._running.assignment()
        return {each: await self._running.position(each) for each in assigned}

    def _go_back(self, assignments: int, positions: Mapping[TopicPartition, int]) -> None:
        """To where a fetch began; after a rebalance everything was sought anew."""
        if assignments == self._assignments:
            for each in self._running.assignment() & positions.keys():
                self._running.seek(each, positions[each])

    async def _progress(self, at: TopicPartition) -> Progress:
        """Never waits: an assigned partition always has a position."""
        end = self._running.last_stable_offset(at)
        if end is None or end < 0:
            end = self._running.highwater(at)
        polled_ms = self._running.last_poll_timestamp(at)
        return Progress(await self._running.position(at), end, polled_ms)

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Tell Kafka, for lag tools; failures are harmless, and nothing waits long for it."""
        if not offsets:
            return
        positions = {
            TopicPartition(self.topic, partition): offset for partition, offset in offsets.items()
        }
        try:
            async with asyncio.timeout(_COMMIT_S):
                await self._running.commit(positions)
        except (KafkaError, OSError, TimeoutError) as error:
            log.debug("commit_failed", error=repr(error))

    @property
    def _running(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RetryableError("the consumer is not started")
        return self._consumer

    def _partitions(self, partitions: Collection[int]) -> list[TopicPartition]:
        """Of `partitions`, those that are still assigned (a rebalance may just have taken some)."""
        asked = {TopicPartition(self.topic, partition) for partition in partitions}
        return sorted(asked & self._running.assignment())

    def _admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(
            bootstrap_servers=self._config.bootstrap_servers, **self._config.client
        )

    async def _ensure_topic(self) -> None:
        config = self._config
        settings = {}
        if config.create_retention_s is not None:
            settings["retention.ms"] = str(config.create_retention_s * 1_000)
        await ensure_topic(
            config.bootstrap_servers,
            config.topic,
            partitions=config.create_partitions,
            replication=config.create_replication,
            settings=settings,
            client=config.client,
        )


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)
