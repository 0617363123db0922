"""One measured run, a process of its own: `python -m benchmarks.load.e2e_run SETTINGS`, JSON out.

`limit` fetches and decodes alone; `intake` goes on to committed rows. Both start their clock when
their partitions are theirs and stop it at the end of the log.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from psycopg_pool import AsyncConnectionPool

from aggregator.intake.config import IntakeConfig
from aggregator.intake.loop import Intake, IntakeParts
from aggregator.intake.workers.registry import Registry
from benchmarks.load.e2e_load import PARTITIONS, worker_names
from deploy.process.garbage import collect_seldom
from ingest.dead_letters.limit import DeadLetterLimit
from ingest.dead_letters.sink import DeadLetterConfig, KafkaDeadLetterSink
from ingest.decode.decoder import Decoder
from ingest.kafka.consumer import ConsumerConfig, ShareConsumer


@dataclass(frozen=True, slots=True)
class Settings:
    """What to run."""

    mode: str
    bootstrap_servers: str
    database_url: str
    topic: str
    shares: int
    known_workers: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What it took."""

    seconds: float
    shares: int
    peak_bytes: int


async def limit(settings: Settings) -> float:
    """`getmany` and the decoder, nothing else; the same limits as intake's."""
    consumer, intake = ConsumerConfig(), IntakeConfig()
    decoder = Decoder()
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_bytes=consumer.fetch_max_bytes,
        max_partition_fetch_bytes=consumer.partition_fetch_bytes,
        check_crcs=False,
    )
    async with client:
        client.assign([TopicPartition(settings.topic, n) for n in range(PARTITIONS)])
        started_s, taken = time.perf_counter(), 0
        while taken < settings.shares:
            fetched = await client.getmany(timeout_ms=200, max_records=intake.fetch_records)
            records = [record for batch in fetched.values() for record in batch]
            taken += len(decoder.decode(records).batch)
        return time.perf_counter() - started_s


async def intake(settings: Settings) -> float:
    """The real thing, until everything is committed."""
    # Full speed flushes by size; the interval only says how long the last part of the log waits.
    config = IntakeConfig(clock="records", flush_interval_s=0.5)
    registry = Registry(config)
    messages = await length_of(settings)
    consumer = ConsumerConfig(
        bootstrap_servers=settings.bootstrap_servers,
        topic=settings.topic,
        group_id=f"bench-{time.time_ns()}",
    )
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        settings.database_url, min_size=2, max_size=3, open=False
    )
    letters = KafkaDeadLetterSink(DeadLetterConfig(settings.bootstrap_servers))
    async with pool, letters:
        if settings.known_workers:
            await know(pool, registry, settings.known_workers)
        parts = IntakeParts(pool, ShareConsumer(consumer), letters, Decoder(), DeadLetterLimit())
        service = Intake(config, parts, registry=registry)
        stop = asyncio.Event()
        running = asyncio.create_task(service.run(stop))
        while service.monitor.why_not_ready() == "waiting for partitions":  # noqa: ASYNC110 (a probe)
            await asyncio.sleep(0.001)
        started_s = time.perf_counter()
        while await committed(pool, settings.topic) < messages:
            assert not running.done(), running.result()
            await asyncio.sleep(0.02)
        seconds = time.perf_counter() - started_s
        assert await counted(pool) == settings.shares
        stop.set()
        await running
    return seconds


async def know(pool: AsyncConnectionPool[Any], registry: Registry, count: int) -> None:
    """Meet `count` workers before the clock starts."""
    keys = worker_names(count)
    for start in range(0, count, 50_000):
        async with pool.connection() as connection:
            await registry.register(connection, keys[start : start + 50_000], [])


async def length_of(settings: Settings) -> int:
    """Messages on the topic."""
    client = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    async with client:
        ends = await client.end_offsets(
            [TopicPartition(settings.topic, partition) for partition in range(PARTITIONS)]
        )
    return sum(ends.values())


async def committed(pool: AsyncConnectionPool[Any], topic: str) -> int:
    """Messages whose shares and offset are in the database."""
    return await value(
        pool,
        "select coalesce(sum(next_offset), 0)::int8 from intake_partitions where topic = %s",
        topic,
    )


async def counted(pool: AsyncConnectionPool[Any]) -> int:
    """Shares in the flushed minutes."""
    return await value(
        pool, "select coalesce(sum(accepted_count + rejected_count), 0)::int8 from flushed_minutes"
    )


async def value(pool: AsyncConnectionPool[Any], query: str, *parameters: Any) -> int:
    async with pool.connection() as connection:
        cursor = await connection.execute(query.encode(), parameters)
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])


async def main(settings: Settings) -> Outcome:
    """Run, and the peak of memory with it."""
    collect_seldom()  # as the command line does
    seconds = await (limit(settings) if settings.mode == "limit" else intake(settings))
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    return Outcome(seconds, settings.shares, peak_bytes)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    print(json.dumps(asdict(run(main(Settings(**json.loads(sys.argv[1])))))))
