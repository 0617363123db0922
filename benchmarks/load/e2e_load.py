"""Messages for the end-to-end benchmarks: seeded, written to a real Kafka before any clock runs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from aiokafka import AIOKafkaProducer

from deploy.local.kafka.node import KafkaNode
from deploy.local.postgres import EmbeddedPostgres
from ingest.kafka.topics import ensure_topic
from schemas import topics
from schemas.batch import ShareBatch, WorkerKey, shares_of
from schemas.codec import encode_arrow, encode_json
from tests.fixtures.postgres import migrate_with_roles

PARTITIONS: Final = 4
FIRST_MS: Final = 1_790_337_600_000
SPAN_S: Final = 120
ARROW_SHARES: Final = 4_000
"""Shares of an Arrow message: a second of a pool with 40,000 workers."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the benchmark's own broker and database are."""

    bootstrap_servers: str
    database_url: str


@contextmanager
def servers(settings: Mapping[str, str] | None = None) -> Iterator[Servers]:
    """A Kafka and a migrated PostgreSQL of our own, durable as in production; with `settings` or
    its own defaults."""
    folder = Path(tempfile.mkdtemp(prefix="hashgauge-bench-"))
    folder.chmod(0o755)
    kafka = KafkaNode(folder / "kafka")
    postgres = EmbeddedPostgres(folder / "postgres", settings=settings)
    try:
        kafka.start()
        postgres.start()
        migrate_with_roles(postgres.url())
        yield Servers(kafka.bootstrap_servers, postgres.url())
    finally:
        kafka.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def worker_names(count: int) -> list[WorkerKey]:
    """100 accounts, workers evenly among them."""
    return [(f"account{number % 100:02d}", f"rig.{number // 100:05d}") for number in range(count)]


def shares(count: int, workers: list[WorkerKey], seed: int) -> ShareBatch:
    """Shares in order of time, workers at random, 2 % rejected."""
    rng = np.random.default_rng(seed)
    at_s = np.sort(rng.integers(0, SPAN_S * 1_000, count))
    rejected = rng.random(count) < 0.02
    return ShareBatch(
        timestamp_ms=FIRST_MS + at_s,
        worker=rng.integers(0, len(workers), count, np.int32),
        difficulty=rng.choice([8_192.0, 65_536.0, 131_072.0], count),
        result=np.where(rejected, rng.integers(1, 8, count), 0).astype(np.uint8),
        source=rng.integers(0, 4, count, np.int32),
        workers=workers,
        sources=["eu-1", "eu-2", "us-1", "asia-1"],
    )


async def write_json(servers: Servers, topic: str, batch: ShareBatch) -> None:
    """One share a message, keyed by worker as stratum servers do."""
    await ensure_topic(servers.bootstrap_servers, topic, partitions=PARTITIONS, replication=1)
    headers = [(topics.CONTENT_TYPE, topics.JSON.encode())]
    async with _producer(servers) as producer:
        waiting: list[asyncio.Future[object]] = []
        for share in shares_of(batch):
            key = f"{share.account_name}.{share.worker_name}".encode()
            waiting.append(
                await producer.send(
                    topic,
                    encode_json([share]),
                    key=key,
                    headers=headers,
                    timestamp_ms=share.timestamp_ms,
                )
            )
        await asyncio.gather(*waiting)


async def write_arrow(servers: Servers, topic: str, batch: ShareBatch) -> None:
    """`ARROW_SHARES` a message, each with the names it uses alone."""
    await ensure_topic(servers.bootstrap_servers, topic, partitions=PARTITIONS, replication=1)
    headers = [(topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())]
    async with _producer(servers) as producer:
        for number, start in enumerate(range(0, len(batch), ARROW_SHARES)):
            part = _slice(batch, start, start + ARROW_SHARES)
            await producer.send_and_wait(
                topic,
                encode_arrow(part),
                partition=number % PARTITIONS,
                headers=headers,
                timestamp_ms=int(part.timestamp_ms[-1]),
            )


def _slice(batch: ShareBatch, start: int, end: int) -> ShareBatch:
    used, worker = np.unique(batch.worker[start:end], return_inverse=True)
    return ShareBatch(
        batch.timestamp_ms[start:end],
        worker.astype(np.int32),
        batch.difficulty[start:end],
        batch.result[start:end],
        batch.source[start:end],
        [batch.workers[code] for code in used],
        batch.sources,
    )


def _producer(servers: Servers) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=servers.bootstrap_servers,
        compression_type="lz4",
        linger_ms=20,
        max_batch_size=512 * 1024,
        max_request_size=8 * 1024 * 1024,
    )
