"""A writer of flushes, the shares it writes, and what it wrote."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool

from aggregator.intake.checkpoint import Checkpoint, PartitionShare
from aggregator.intake.config import IntakeConfig
from aggregator.intake.flush import Flushed, Writer
from aggregator.intake.partitions import offsets
from aggregator.intake.partitions.offsets import Claim, Stream
from aggregator.intake.partitions.stream_time import StreamClock
from aggregator.intake.workers.registry import Registry
from ingest.kafka.record import PlainRecord
from schemas.batch import batch_of
from schemas.runtime.clock import SystemClock
from schemas.share import Share, ShareResult

STREAM = Stream("cluster", "shares")
NOON_S = 1_790_337_600


class Flushing:
    """A writer and what it needs."""

    def __init__(self, connections: AsyncConnectionPool[Any]) -> None:
        self.connections = connections
        self.config = IntakeConfig()
        self.registry = Registry(self.config)
        self.writer = Writer(self.config, self.registry, SystemClock())

    async def claim(
        self, partition: int = 0, owner: str = "me", clock: StreamClock = "wall"
    ) -> Claim:
        async with self.connections.connection() as connection:
            claims = await offsets.claim(
                connection, STREAM, beginnings={partition: 0}, owner=owner, clock=clock
            )
        return claims[0]

    async def checkpoint(
        self, claim: Claim, *shares: Share, from_offset: int = 0, to: int = 10
    ) -> Checkpoint:
        batch = batch_of(shares)
        async with self.connections.connection() as connection:
            await self.registry.register(connection, *self.registry.missing(batch))
        index, source = self.registry.codes(batch)
        checkpoint = Checkpoint()
        checkpoint.add(batch, index, source)
        checkpoint.partitions[claim.partition] = PartitionShare(
            claim.partition,
            claim.owner_epoch,
            from_offset,
            to,
            last=PlainRecord(b"x", timestamp=NOON_S * 1_000, offset=to - 1),
            stream_ms=NOON_S * 1_000,
        )
        return checkpoint

    async def flush(self, checkpoint: Checkpoint) -> Flushed:
        async with self.connections.connection() as connection:
            rows = checkpoint.rows()
            return await self.writer.flush(connection, STREAM, checkpoint, rows=rows)


def share(
    second: int, worker: str = "rig", difficulty: float = 1.0, result: int = 0, source: str = "eu"
) -> Share:
    return Share(
        (NOON_S + second) * 1_000, "alice", worker, difficulty, ShareResult(result), source
    )


def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query.encode()).fetchall()
