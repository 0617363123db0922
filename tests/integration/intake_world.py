"""Pools with a known truth on a real Kafka, intake processes, and what must have come of it."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic

from ingest.sink import KafkaShareSink, ShareMessage, SinkConfig, deliver
from schemas.batch import batch_of
from schemas.share import REJECT_REASONS, Share, ShareResult
from tests.fixtures.worker_minutes import COUNTED

Sums = dict[tuple[int, str, str], tuple[float, ...]]
"""(minute, account, worker) → counts and sums of accepted and rejected, then sums by reason."""

ACCOUNTS, WORKERS = 7, 9


@dataclass
class Truth:
    """What was produced, once each, whatever happened on the way."""

    sums: dict[tuple[int, str, str], list[float]] = field(default_factory=dict)
    shares: int = 0

    def add(self, shares: list[Share]) -> None:
        for share in shares:
            key = (share.timestamp_ms // 60_000 * 60, share.account_name, share.worker_name)
            row = self.sums.setdefault(key, [0.0] * (4 + len(REJECT_REASONS)))
            rejected = share.result is not ShareResult.ACCEPTED
            row[rejected] += 1
            row[2 + rejected] += share.difficulty
            if rejected:
                row[3 + share.result] += share.difficulty
        self.shares += len(shares)

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


def some_shares(rng: random.Random, count: int, now_ms: int) -> list[Share]:
    """Shares of the last minutes, mostly accepted, whole difficulties: sums are exact."""
    return [
        Share(
            now_ms - rng.randrange(150_000),
            f"account{rng.randrange(ACCOUNTS)}",
            f"rig.{rng.randrange(WORKERS)}",
            float(rng.choice((1, 512, 65_536, 1_048_576))),
            ShareResult(rng.choice((0, 0, 0, 0, 0, 0, 0, rng.randrange(8)))),
            rng.choice((None, "eu-1", "us-2")),
        )
        for _ in range(count)
    ]


class Pool:
    """Produces shares without end, each message until it is acknowledged; keeps the truth."""

    def __init__(self, bootstrap_servers: str, topic: str, *, partitions: int, seed: int) -> None:
        self.truth = Truth()
        self.topic = topic
        self.partitions = partitions
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
        """Begin to produce in the background."""
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

    async def burst(self, messages: int, shares: int = 50) -> None:
        """That many messages, as fast as it goes."""
        for _ in range(messages):
            await self._send(shares)

    async def _produce(self, pause_s: float) -> None:
        while not self._stop.is_set():
            await self._send(self._rng.randrange(1, 60))
            await asyncio.sleep(pause_s)

    async def _send(self, count: int) -> None:
        async with self._turn:  # sequences of one producer must arrive in order
            await self._send_next(count)

    async def _send_next(self, count: int) -> None:
        now_ms = time.time_ns() // 1_000_000
        shares = some_shares(self._rng, count, now_ms)
        self._sequence += 1
        message = ShareMessage(
            batch_of(shares),
            now_ms,
            key="",
            producer_id=self._producer_id,
            sequence=self._sequence,
            partition=self._rng.randrange(self.partitions),
        )
        assert await deliver(self._rng.choice(self._sinks), message, stop=asyncio.Event())
        self.truth.add(shares)

    def _sink(self, encoding: Any) -> KafkaShareSink:
        return KafkaShareSink(
            SinkConfig(self._bootstrap, self.topic, encoding=encoding, request_timeout_s=5.0)
        )


class IntakeProcess:
    """One intake as a process of its own."""

    def __init__(
        self, database_url: str, bootstrap: str, topic: str, log_dir: Path, **settings: Any
    ) -> None:
        consumer = {
            "bootstrap_servers": bootstrap,
            "topic": topic,
            "group_id": settings.pop("group_id", f"group-{topic}"),
            "session_timeout_s": 6.0,
            "heartbeat_s": 1.0,
            "metadata_max_age_s": 1.0,
            "request_timeout_s": 10.0,
        }
        intake = {
            "owner": f"test-{uuid4().hex[:6]}",
            "flush_interval_s": 0.2,
            "heartbeat_interval_s": 0.2,
            "retry_longest_s": 0.5,
            "lock_timeout_s": 2.0,
            "database_silence_s": 4.0,
            "revoke_flush_s": 3.0,
            "idle_in_transaction_s": 3.0,
            **settings,
        }
        arguments = {"database_url": database_url, "consumer": consumer, "intake": intake}
        self.log_path = log_dir / f"{intake['owner']}.log"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.intake_main", json.dumps(arguments)],
                cwd=Path(__file__).parents[2],
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(30)
        finally:
            self.kill()

    def memory_bytes(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1_024
        raise ProcessLookupError(self.process.pid)


class Processes:
    """Starts intake processes and sees to it that none outlives the test."""

    def __init__(self, database_url: str, bootstrap: str, topic: str, log_dir: Path) -> None:
        self._where = (database_url, bootstrap, topic, log_dir)
        self.all: list[IntakeProcess] = []

    def start(self, **settings: Any) -> IntakeProcess:
        database_url = settings.pop("database_url", self._where[0])
        bootstrap = settings.pop("bootstrap", self._where[1])
        process = IntakeProcess(database_url, bootstrap, *self._where[2:], **settings)
        self.all.append(process)
        return process

    @property
    def logs(self) -> str:
        return "\n".join(f"--- {each.log_path.name}\n{each.log}" for each in self.all)


@contextmanager
def processes(database_url: str, bootstrap: str, topic: str, log_dir: Path) -> Iterator[Processes]:
    """Processes of a test; pytest shows their logs where it fails."""
    started = Processes(database_url, bootstrap, topic, log_dir)
    try:
        yield started
    finally:
        for each in started.all:
            each.kill()
        print(started.logs)


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], *, within_s: float = 40.0
) -> None:
    """Return when `condition` holds; AssertionError where it takes too long."""
    deadline = time.monotonic() + within_s
    while True:
        answer = condition()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        assert time.monotonic() < deadline, f"not within {within_s} s"
        await asyncio.sleep(0.1)


async def settled(pool: Pool, database_url: str, *, within_s: float = 60.0) -> None:
    """Every share that was produced is stored, once, where it belongs."""
    await pool.rest()
    await until(lambda: count_stored(database_url) >= pool.truth.shares, within_s=within_s)
    assert stored(database_url) == pool.truth.expected


async def create_topic(bootstrap: str, topic: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, partitions, 1)])
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
