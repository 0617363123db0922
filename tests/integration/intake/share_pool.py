"""Pools with a known truth on a real Kafka, and what of it is stored."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import psycopg
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from ingest.kafka.producer import KafkaShareSink, ShareMessage, SinkConfig, deliver
from schemas.batch import ShareBatch, batch_of
from schemas.runtime.clock import Clock
from schemas.share import REJECT_REASONS, Share, ShareResult
from tests.fixtures.until import until
from tests.integration.figures.fake_intake import COUNTED

Sums = dict[tuple[int, str, str], tuple[float, ...]]
"""(minute, account, worker) → counts and sums of accepted and rejected, then sums by reason."""

ACCOUNTS, WORKERS = 7, 9
# Workers of this account are on every partition, all others on one: where a partition stands still
# its workers are heard no more, and some sums still come from several.
ROAMING = 0
SOURCES = ("eu-1", "us-2")
LATEST_MS: Final = 150_000
# A pool that could not share for this long has no shares of that time; a message takes 10 ms.
BREAK_MS: Final = 30_000
# At 25 bytes a share in memory more than any bound of a test.
FLOOD_SHARES, FLOOD_MESSAGES = 6_000_000, 300


@dataclass
class Truth:
    """What was produced, once each, whatever happened on the way."""

    sums: dict[tuple[int, str, str], list[float]] = field(default_factory=dict)
    shares: int = 0

    def add(self, shares: list[Share], *, times: int = 1) -> None:
        for share in shares:
            key = (share.timestamp_ms // 60_000 * 60, share.account_name, share.worker_name)
            row = self.sums.setdefault(key, [0.0] * (4 + len(REJECT_REASONS)))
            rejected = share.result is not ShareResult.ACCEPTED
            row[rejected] += times
            row[2 + rejected] += times * share.difficulty
            if rejected:
                row[3 + share.result] += times * share.difficulty
        self.shares += times * len(shares)

    @property
    def expected(self) -> Sums:
        return {key: tuple(row) for key, row in self.sums.items()}


def stored(database_url: str) -> Sums:
    """The same as the database has it."""
    names = ("accepted_count", "rejected_count", "accepted", "rejected", *REJECT_REASONS)
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            f"select extract(epoch from bucket)::int8, account_name, workers.name, {sums}"
            f" from {COUNTED}"
            " join workers on workers.id = worker_id join miners on miners.id = workers.miner_id"
            " group by 1, 2, 3"
        ).fetchall()
    return {(row[0], row[1], row[2]): tuple(map(float, row[3:])) for row in rows}


def count_stored(database_url: str) -> int:
    """Shares in the minutes."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            f"select coalesce(sum(accepted_count + rejected_count), 0)::int8 from {COUNTED}"
        ).fetchone()
    assert row is not None
    return int(row[0])


def workers_of(partition: int, partitions: int) -> list[tuple[str, str]]:
    """Whose shares lie on a partition."""
    return [
        (f"account{account}", f"rig.{worker}")
        for account in range(ACCOUNTS)
        for worker in range(WORKERS)
        if account == ROAMING or (account * WORKERS + worker) % partitions == partition
    ]


def some_shares(
    rng: random.Random, count: int, workers: list[tuple[str, str]], *, now_ms: int, since_ms: int
) -> list[Share]:
    """Shares of the last minutes, mostly accepted, whole difficulties: sums are exact."""
    return [
        Share(
            now_ms - rng.randrange(min(LATEST_MS, now_ms - since_ms + 1)),
            *rng.choice(workers),
            float(rng.choice((1, 512, 65_536, 1_048_576))),
            ShareResult(rng.choice((0, 0, 0, 0, 0, 0, 0, rng.randrange(8)))),
            rng.choice((None, *SOURCES)),
        )
        for _ in range(count)
    ]


class Pool:
    """Produces shares without end, each message until it is acknowledged; keeps the truth."""

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        partitions: int,
        seed: int,
        clock: Clock,
    ) -> None:
        self.truth = Truth()
        self.topic = topic
        self.partitions = partitions
        self.clock = clock
        self._since_ms = self._told_ms = 0
        self._rng = random.Random(seed)
        self._bootstrap = bootstrap_servers
        self._producer_id = uuid4().hex
        self._sequence = 0
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Pool:
        await create_topic(self._bootstrap, self.topic, self.partitions)
        self._sinks = [self._sink("json"), self._sink("arrow")]
        for sink in self._sinks:
            await sink.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.rest()
        for sink in self._sinks:
            await sink.__aexit__(*exc)

    def flow(self, pause_s: float = 0.02) -> None:
        """Produce in the background from now on."""
        if self._task is None:
            self._stop.clear()
            self._task = asyncio.create_task(self._produce(pause_s))

    async def rest(self) -> None:
        """Stop when the message under way is acknowledged."""
        self._stop.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def widen(self, partitions: int) -> None:
        """Add partitions to the topic and use them from now on."""
        await self.rest()
        await raise_partitions(self._bootstrap, self.topic, partitions)
        for sink in self._sinks:  # a producer takes minutes to notice new partitions
            await sink.__aexit__()
        self.partitions = partitions

    @property
    def messages(self) -> int:
        """How many it has sent."""
        return self._sequence

    async def burst(self, messages: int, shares: int = 50) -> None:
        """That many messages, as fast as it goes."""
        for _ in range(messages):
            await self._send(shares)

    async def flood(self) -> None:
        """`FLOOD_SHARES` on one partition, the same ones in each message of the fast path."""
        async with self._turn:
            shares = self._shares(FLOOD_SHARES // FLOOD_MESSAGES, partition=0)
        batch = batch_of(shares)
        for _ in range(FLOOD_MESSAGES):
            async with self._turn:
                await self._deliver(self._sinks[1], batch, partition=0)
        self.truth.add(shares, times=FLOOD_MESSAGES)

    async def _produce(self, pause_s: float) -> None:
        while not self._stop.is_set():
            await self._send(self._rng.randrange(1, 60))
            await asyncio.sleep(pause_s)

    async def _send(self, count: int) -> None:
        async with self._turn:  # sequences of one producer must arrive in order
            partition = self._sequence % self.partitions
            shares = self._shares(count, partition)
            await self._deliver(self._rng.choice(self._sinks), batch_of(shares), partition)
            self.truth.add(shares)

    def _shares(self, count: int, partition: int) -> list[Share]:
        """Some of the last minutes, and one of each worker: whoever is silent is so by a fault."""
        now_ms = self.clock.now_ms()
        if now_ms - self._told_ms > BREAK_MS:
            self._since_ms = now_ms
        self._told_ms = now_ms
        workers = workers_of(partition, self.partitions)
        signs = [
            Share(now_ms, *worker, 64.0, ShareResult.ACCEPTED, SOURCES[number % 2])
            for number, worker in enumerate(workers)
        ]
        return signs + some_shares(
            self._rng, count, workers, now_ms=now_ms, since_ms=self._since_ms
        )

    async def _deliver(self, sink: KafkaShareSink, batch: ShareBatch, partition: int) -> None:
        self._sequence += 1
        message = ShareMessage(
            batch,
            self._told_ms,
            key="",
            producer_id=self._producer_id,
            sequence=self._sequence,
            partition=partition,
        )
        assert await deliver(sink, message, stop=asyncio.Event())

    def _sink(self, encoding: Any) -> KafkaShareSink:
        return KafkaShareSink(
            SinkConfig(self._bootstrap, self.topic, encoding=encoding, request_timeout_s=5.0)
        )


async def flowing(database_url: str, more: int = 500) -> None:
    """Return when at least `more` further shares are stored."""
    before = count_stored(database_url)
    await until(lambda: count_stored(database_url) >= before + more)


async def create_topic(
    bootstrap: str, topic: str, partitions: int, *, settings: dict[str, str] | None = None
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings or {})])
    finally:
        await admin.close()


async def raise_partitions(bootstrap: str, topic: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_partitions({topic: NewPartitions(partitions)})
    finally:
        await admin.close()


async def delete_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()
