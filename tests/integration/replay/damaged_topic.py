"""A topic that is hard to count twice, its truth, and ways to damage minutes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from psycopg import AsyncConnection
from typer.testing import CliRunner

from deploy.cli import app
from schemas.batch import batch_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from schemas.topics import ARROW_STREAM, CONTENT_TYPE, JSON, PRODUCER_ID, SEQUENCE
from tests.integration.figures.fake_intake import merge_now
from tests.integration.intake.share_pool import Truth, create_topic

PARTITIONS = 4
# A few messages a flush: there is a middle to be killed in.
SLOW = {"clock": "records", "fetch_records": 4, "flush_shares": 20, "buffered_shares": 40}
END_S = int(time.time()) // 3_600 * 3_600 - 3_600
"""The newest share; the log is four hours long."""
SINCE_S = END_S - 5_400
"""Where the replays of the tests begin."""

DAMAGE: LiteralString = """
delete from worker_minutes where bucket >= to_timestamp(%(since)s) and worker_id %% 5 = 0;
update worker_minutes set accepted = 2 * accepted, accepted_count = 2 * accepted_count
where bucket >= to_timestamp(%(since)s) and worker_id %% 5 = 1;
update worker_minutes set accepted = accepted / 1024, stale = 7, rejected = rejected + 7
where bucket >= to_timestamp(%(since)s) and worker_id %% 5 = 2;
insert into workers (miner_id, name)
select id, 'counted by mistake' from miners where account_name = 'account1';
insert into worker_minutes (bucket, worker_id, miner_id, accepted_count, rejected_count, accepted,
    rejected, last_share_at)
select to_timestamp(%(since)s + 60 * n), workers.id, miner_id, 1, 0, 1e9, 0,
    to_timestamp(%(since)s + 60 * n)
from workers, generate_series(0, 80) n where name = 'counted by mistake';
insert into dirty_minutes (bucket)
select distinct bucket from worker_minutes where bucket >= to_timestamp(%(since)s)
"""
"""Minutes gone, doubled and of the wrong difficulty, and a worker that never was."""


@dataclass(frozen=True, slots=True)
class Message:
    """As it is produced, and produced again."""

    partition: int
    value: bytes
    headers: list[tuple[str, bytes]]


class Topic:
    """Produces; keeps the truth of what must count."""

    def __init__(self, bootstrap: str, topic: str, *, seed: int) -> None:
        self.truth = Truth()
        self.topic = topic
        self._bootstrap = bootstrap
        self._rng = random.Random(seed)
        self._sent: list[Message] = []
        self._sequence = 0

    async def __aenter__(self) -> Topic:
        await create_topic(self._bootstrap, self.topic, PARTITIONS)
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all")
        await self._producer.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._producer.stop()

    async def four_hours(self, messages: int = 1_500) -> None:
        """A log whose stamps rise, though not each above the one before."""
        for number in range(messages):
            stamp_s = END_S - 14_400 + 14_400 * number // messages
            await self.one(stamp_s + self._rng.randrange(-90, 0))
        await self.close()

    async def one(self, stamp_s: int) -> None:
        """Good shares, often late or early; or a repeat, or something bad."""
        dice = self._rng.random()
        if dice < 0.1 and self._sent:
            await self._send(self._rng.choice(self._sent), stamp_s)
        elif dice < 0.14:
            await self._send(self._message(b"{torn", JSON), stamp_s)
        else:
            await self._good(stamp_s, with_bad=dice < 0.2)

    async def close(self, end_s: int = END_S) -> None:
        """A last share on each partition: stream time is two minutes after it everywhere."""
        for partition in range(PARTITIONS):
            shares = [self._share(end_s, 0)]
            message = self._message(encode_json(shares), JSON, partition)
            await self._send(message, end_s + 120)
            self.truth.add(shares)

    async def again(self, count: int, stamp_s: int) -> None:
        """Deduplication of what was sent at any time."""
        for message in self._rng.sample(self._sent, count):
            await self._send(message, stamp_s)

    async def _good(self, stamp_s: int, *, with_bad: bool) -> None:
        shares = [self._share(stamp_s, self._age_s()) for _ in range(self._rng.randrange(1, 30))]
        if with_bad:
            # One with an impossible difficulty, one far too late, one far too early.
            bad = [Share(stamp_s * 1_000, "account0", "rig.0", -1.0, ShareResult.ACCEPTED, None)]
            bad += [self._share(stamp_s, 50 * 3_600), self._share(stamp_s, -900, early=True)]
            value, kind = encode_json(shares + bad), JSON
        elif self._rng.random() < 0.5:
            value, kind = encode_arrow(batch_of(shares)), ARROW_STREAM
        else:
            value, kind = encode_json(shares), JSON
        message = self._message(value, kind)
        await self._send(message, stamp_s)
        self._sent.append(message)
        self.truth.add(shares)

    def _age_s(self) -> int:
        dice = self._rng.random()
        if dice < 0.1:
            return self._rng.randrange(-300, 0)
        return self._rng.randrange(40 * 3_600 if dice < 0.3 else 150)

    def _share(self, stamp_s: int, age_s: int, *, early: bool = False) -> Share:
        """Not after the end of the log: stream time must come past all minutes."""
        rng = self._rng
        latest_s = stamp_s - age_s if early else max(stamp_s, END_S)
        return Share(
            min(stamp_s - age_s, latest_s) * 1_000,
            f"account{rng.randrange(4)}",
            f"rig.{rng.randrange(5)}",
            float(rng.choice((1, 512, 65_536, 1_048_576))),
            ShareResult(rng.choice((0, 0, 0, 0, 0, rng.randrange(8)))),
            rng.choice((None, "eu-1", "us-2")),
        )

    def _message(self, value: bytes, kind: str, partition: int | None = None) -> Message:
        self._sequence += 1
        return Message(
            self._rng.randrange(PARTITIONS) if partition is None else partition,
            value,
            [
                (CONTENT_TYPE, kind.encode()),
                (PRODUCER_ID, b"stratum-%d" % self._rng.randrange(3)),
                (SEQUENCE, b"%d" % self._sequence),
            ],
        )

    async def _send(self, message: Message, stamp_s: int) -> None:
        await self._producer.send_and_wait(
            self.topic,
            message.value,
            partition=message.partition,
            headers=message.headers,
            timestamp_ms=stamp_s * 1_000,
        )


async def damage(database_url: str) -> None:
    """Of worker minutes, so what waits for the leader is merged first."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await merge_now(connection)
        for statement in DAMAGE.split(";"):
            await connection.execute(statement.encode(), {"since": SINCE_S})


async def hashgauge(database_url: str, bootstrap: str, topic: str, *arguments: str) -> str:
    """A command, in a thread of its own; what it printed. Its failure is raised."""
    environment = {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "HASHGAUGE_SHARES_TOPIC": topic,
        "COLUMNS": "200",
    }
    result = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def since_option(since_s: int = SINCE_S) -> tuple[str, str]:
    return "--from", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since_s))


def rows(database_url: str, statement: LiteralString) -> list[tuple[Any, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(statement).fetchall()


def replays(database_url: str) -> bool:
    """Whether a partition is still read again."""
    return bool(rows(database_url, "select from intake_partitions where replay_until is not null"))


def taken_in(database_url: str) -> Callable[[dict[int, int]], bool]:
    def at(ends: dict[int, int]) -> bool:
        stored = dict(rows(database_url, "select partition, next_offset from intake_partitions"))
        return stored == ends

    return at


async def ends(bootstrap: str, topic: str) -> dict[int, int]:
    """Partition → offset after its last record; none for a topic that is not there."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or set()
        found = await consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
    finally:
        await consumer.stop()
    return {each.partition: end for each, end in found.items()}
