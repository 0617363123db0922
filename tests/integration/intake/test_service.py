"""Intake on a real Kafka, in this process: what is counted, what is dead-lettered, what repeats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from psycopg_pool import AsyncConnectionPool

from aggregator.intake.config import IntakeConfig
from aggregator.intake.loop import Intake, IntakeParts
from deploy.database.roles import AGGREGATOR
from ingest.dead_letters.letter import DeadLetter
from ingest.dead_letters.limit import DeadLetterLimit, LimitConfig
from ingest.decode.decoder import Decoder
from ingest.errors import FatalError
from ingest.kafka.consumer import ConsumerConfig, ShareConsumer
from schemas import topics
from schemas.batch import batch_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.intake.share_pool import count_stored, create_topic

HOUR_MS = 3_600_000


@dataclass
class Letters:
    """Keeps the dead letters."""

    kept: list[DeadLetter] = field(default_factory=list)

    async def send(self, letters: Any) -> None:
        self.kept += letters


@dataclass
class Bench:
    """A topic, a database, and an intake to be started and stopped."""

    bootstrap: str
    topic: str
    database_url: str
    producer: AIOKafkaProducer
    letters: Letters = field(default_factory=Letters)

    @asynccontextmanager
    async def intake(
        self, dead_letter_limit: DeadLetterLimit | None = None, **settings: Any
    ) -> AsyncIterator[Intake]:
        config = IntakeConfig(flush_interval_s=0.1, heartbeat_interval_s=0.1, **settings)
        consumer = ConsumerConfig(
            self.bootstrap, topic=self.topic, group_id=self.topic, session_timeout_s=6.0
        )
        stop = asyncio.Event()
        url = under(AGGREGATOR, self.database_url)
        async with AsyncConnectionPool(url, min_size=1, max_size=3, timeout=1, open=False) as pool:
            parts = IntakeParts(
                pool,
                ShareConsumer(consumer),
                self.letters,
                Decoder(),
                dead_letter_limit or DeadLetterLimit(),
            )
            intake = Intake(config, parts)
            running = asyncio.create_task(intake.run(stop))
            try:
                await until(lambda: running.done() or intake.monitor.why_not_ready() is None)
                yield intake
            finally:
                stop.set()
                await running

    async def send(self, value: bytes, *, at_ms: int | None = None, **headers: str) -> None:
        await self.producer.send_and_wait(
            self.topic,
            value,
            partition=0,
            timestamp_ms=at_ms,
            headers=[(name.replace("_", "-"), text.encode()) for name, text in headers.items()],
        )

    async def stored(self, count: int) -> None:
        await until(lambda: count_stored(self.database_url) >= count)


@pytest.fixture
async def bench(kafka_bootstrap: str, topic: str, database_url: str) -> AsyncIterator[Bench]:
    await create_topic(kafka_bootstrap, topic, 1)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        yield Bench(kafka_bootstrap, topic, database_url, producer)


def share(account: str = "alice", *, at_ms: int | None = None) -> Share:
    at_ms = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    return Share(at_ms, account, "rig.1", 512.0, ShareResult.ACCEPTED, "eu")


async def test_json_and_arrow_are_counted_and_the_bad_is_dead_lettered(bench: Bench) -> None:
    shares = [share(), share("bob"), share()]
    await bench.send(encode_json(shares))
    await bench.send(b"\x00 not a share")
    await bench.send(encode_arrow(batch_of(shares)), content_type=topics.ARROW_STREAM)
    async with bench.intake() as intake:
        await bench.stored(6)
        await until(lambda: len(bench.letters.kept) == 1)
        assert intake.monitor.caught_up
    assert count_stored(bench.database_url) == 6
    assert bench.letters.kept[0].value == b"\x00 not a share"


async def test_retry_of_a_producer_is_dropped_across_restarts(bench: Bench) -> None:
    async with bench.intake():
        for sequence in (1, 2, 2, 1, 3):
            await bench.send(encode_json([share()]), producer_id="p", sequence=str(sequence))
        await bench.stored(3)
    async with bench.intake():
        await bench.send(encode_json([share()]), producer_id="p", sequence="3")
        await bench.send(encode_json([share()]), producer_id="p", sequence="4")
        # The program behind it was started anew: other id, sequences from the beginning.
        await bench.send(encode_json([share()]), producer_id="q", sequence="1")
        await bench.stored(5)
    assert count_stored(bench.database_url) == 5


@pytest.mark.parametrize("limits", [{"create_accounts": False}, {"miners_limit": 1}])
async def test_unknown_accounts_are_dead_lettered_where_they_are_not_created(
    bench: Bench, limits: dict[str, Any]
) -> None:
    async with bench.intake():
        await bench.send(encode_json([share("alice")]))
        await bench.stored(1)
    async with bench.intake(**limits):
        await bench.send(encode_json([share("mallory"), share("alice"), share("mallory")]))
        await bench.stored(2)
        await until(lambda: len(bench.letters.kept) == 1)
    letter = bench.letters.kept[0]
    assert letter.reason is topics.InvalidReason.UNKNOWN_ACCOUNT
    assert dict(letter.headers)[topics.DeadLetterHeader.INDICES] == b"0,2"
    assert count_stored(bench.database_url) == 2


async def test_late_shares_land_in_their_minute_and_too_late_ones_do_not(bench: Bench) -> None:
    now_ms = time.time_ns() // 1_000_000
    async with bench.intake():
        await bench.send(encode_json([share(at_ms=now_ms - 47 * HOUR_MS)]), at_ms=now_ms)
        await bench.send(encode_json([share(at_ms=now_ms - 49 * HOUR_MS)]), at_ms=now_ms)
        await bench.send(encode_json([share(at_ms=now_ms + HOUR_MS)]), at_ms=now_ms)
        await bench.stored(1)
        await until(lambda: len(bench.letters.kept) == 2)
    with psycopg.connect(bench.database_url) as connection:
        rows = connection.execute(
            "select extract(epoch from bucket)::int8 from flushed_minutes"
        ).fetchall()
    assert rows == [((now_ms - 47 * HOUR_MS) // 60_000 * 60,)]
    assert {letter.reason for letter in bench.letters.kept} == {
        topics.InvalidReason.TOO_LATE,
        topics.InvalidReason.TOO_EARLY,
    }


async def test_topic_of_garbage_stops_the_service_before_it_is_diverted(bench: Bench) -> None:
    for _ in range(20):
        await bench.send(b"garbage")
    with pytest.raises(FatalError, match="unreadable"):
        async with bench.intake(
            dead_letter_limit=DeadLetterLimit(LimitConfig(window=100, share=0.1, in_a_row=15))
        ) as intake:
            await until(lambda: intake.monitor.caught_up, within_s=5)


async def test_replay_goes_by_the_records_time(bench: Bench) -> None:
    noon_ms = 1_700_000_000_000
    await bench.send(encode_json([share(at_ms=noon_ms)]), at_ms=noon_ms)
    async with bench.intake(clock="records"):
        await bench.stored(1)
    with psycopg.connect(bench.database_url) as connection:
        row = connection.execute("select extract(epoch from stream_time)::int8 from stream")
        assert row.fetchone() == (noon_ms // 1_000,)
