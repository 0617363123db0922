"""From an assignment of Kafka to partitions that are claimed, verified and read from."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import structlog
from psycopg import Rollback

from aggregator.intake.config import IntakeConfig
from aggregator.intake.partitions import offsets
from aggregator.intake.partitions.offsets import Claim, Stream
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.postgres.connection import Connection, bounded
from aggregator.postgres.retry import DatabaseRetry
from ingest.errors import RetryableError
from ingest.kafka.consumer import Consumer
from schemas.runtime.clock import Clock

log = structlog.get_logger(__name__)


class Assignment:
    """Which partitions are ours by the group's word, and which of them are not claimed yet.

    `generation` rises with every rebalance: whatever was fetched or asked under an older one is
    void, since the partitions are claimed and sought anew.
    """

    def __init__(
        self,
        config: IntakeConfig,
        consumer: Consumer,
        database: DatabaseRetry,
        *,
        partitions: AssignedPartitions,
        clock: Clock,
    ) -> None:
        self._config = config
        self._consumer = consumer
        self._database = database
        self._partitions = partitions
        self._clock = clock
        self._unclaimed: set[int] = set()
        self.generation = 0
        self.stream: Stream | None = None

    @property
    def pending(self) -> bool:
        """Whether partitions wait to be claimed."""
        return bool(self._unclaimed)

    def assigned(self, partitions: Collection[int]) -> None:
        """The group gave these to us; they stand still until `claim`."""
        self.generation += 1
        self._unclaimed = set(partitions)

    def revoked(self) -> None:
        """The group takes all of them back (until it assigns again)."""
        self.generation += 1
        self._unclaimed.clear()

    async def claim(self) -> None:
        """Claim what was assigned, seek and let it flow. A rebalance meanwhile makes it void.

        Waits for the database as long as it takes; while the broker is away it returns to be
        called again. Raises FatalError if a log changed under its stored offset, or the clock
        of this host is wrong.
        """
        generation, partitions = self.generation, sorted(self._unclaimed)
        try:
            stream = Stream(await self._consumer.cluster_id(), self._consumer.topic)
            bounds = await self._consumer.bounds(partitions)
            if generation != self.generation or len(bounds) < len(partitions):
                return
            beginnings = {each: bounds[each][0] for each in partitions}
            claims = await self._claims(stream, beginnings, generation)
            if not claims:
                return
            # Their former owner could consume more until this claim: only now is every stored
            # offset before the end that the broker reports.
            bounds = await self._consumer.bounds(partitions)
        except RetryableError as error:
            log.warning("claim_waits", error=str(error))
            await asyncio.sleep(self._config.retry_first_s)
            return
        if generation != self.generation or len(bounds) < len(partitions):
            return
        starts = {claim.partition: claim.start(*bounds[claim.partition]) for claim in claims}
        for claim in claims:
            self._partitions.add(claim, starts[claim.partition])
            self._consumer.seek(claim.partition, starts[claim.partition])
        self._consumer.resume(partitions)
        self._unclaimed.clear()
        self.stream = stream
        log.info(
            "partitions_claimed",
            cluster=stream.cluster_id,
            topic=stream.topic,
            offsets={claim.partition: claim.next_offset for claim in claims},
        )

    async def _claims(
        self, stream: Stream, beginnings: Mapping[int, int], generation: int
    ) -> list[Claim]:
        """None if a rebalance came while the database was away or locked: the partitions may be
        another process's by now, which a late claim would fence."""
        config = self._config

        async def claim(connection: Connection) -> list[Claim]:
            claims: list[Claim] = []
            async with bounded(connection, config.transaction):
                if generation == self.generation:
                    claims = await offsets.claim(
                        connection,
                        stream,
                        beginnings=beginnings,
                        owner=config.owner,
                        clock=config.clock,
                    )
                if generation != self.generation:
                    raise Rollback
            return claims if generation == self.generation else []

        if config.clock == "wall":
            await self._database.run(self._check_clock)
        return await self._database.run(claim)

    async def _check_clock(self, connection: Connection) -> None:
        await offsets.check_clock(
            connection,
            now_ms=self._clock.now_ms(),
            tolerance_s=self._config.clock_tolerance_s,
        )
