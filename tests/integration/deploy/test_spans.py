"""A flush, a cycle and a delivery are spans where somebody traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from psycopg_pool import AsyncConnectionPool

from aggregator.figures.leader import FiguresLeader
from aggregator.intake.flusher import Flusher
from aggregator.postgres.retry import DatabaseRetry
from deploy.database.roles import AGGREGATOR
from deploy.process.tracing import SpanSource
from ingest.dead_letters.letter import DeadLetter
from schemas.runtime.clock import SystemClock
from schemas.runtime.tracing import span, trace_with
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.leader_process import config_of
from tests.integration.intake import flushing as flushes
from tests.integration.notify.seeded_events import publishing, seeded_events
from tests.integration.notify.webhooks.test_webhooks import CONFIG, SECRET


@pytest.fixture
async def exported() -> AsyncIterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_with(SpanSource(provider))
    yield exporter
    trace_with(None)
    provider.shutdown()


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [each for each in exporter.get_finished_spans() if each.name == name]


def attributes(found: ReadableSpan) -> dict[str, Any]:
    return dict(found.attributes or {})


class NoLetters:
    async def send(self, letters: Any) -> None:
        assert all(isinstance(letter, DeadLetter) for letter in letters)


async def test_a_flush_is_a_span(database_url: str, exported: InMemorySpanExporter) -> None:
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=2, open=False) as pool:
        bench = flushes.Flushing(pool)
        shares = (flushes.share(1), flushes.share(2))
        checkpoint = await bench.checkpoint(await bench.claim(), *shares)
        retry = DatabaseRetry(pool, bench.config.database_retry)
        flusher = Flusher(bench.writer, retry, NoLetters(), clock=SystemClock())

        async def after(*_: object) -> None:
            assert named(exported, "flush")

        flusher.start(flushes.STREAM, checkpoint, after)
        await flusher.finish()
    (found,) = named(exported, "flush")
    assert attributes(found) == {"shares": 2, "dead_letters": 0}


async def test_a_cycle_is_a_span(database_url: str, exported: InMemorySpanExporter) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        intake = FakeIntake(connection)
        await intake.set_up()
        await intake.flush([Work(1, 1, 5.0)], stream=3)
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=3, open=False) as pool:
        leader = FiguresLeader(config_of("leader", {}), pool, SystemClock())
        stop = asyncio.Event()
        running = asyncio.create_task(leader.run(stop))
        await until(lambda: leader.cycles)
        stop.set()
        await running
    assert len(named(exported, "cycle")) == leader.cycles


async def test_deliveries_are_spans(database_url: str, exported: InMemorySpanExporter) -> None:
    answers = [500, 200]

    async def receiver(_: HttpRequest) -> HttpAnswer:
        return HttpAnswer(answers.pop(0))

    async with seeded_events(database_url) as seeded:
        miner = await seeded.add_miner("acme")
        worker = await seeded.add_worker(miner, "rig01")
        async with http_server(receiver) as url, publishing(seeded, CONFIG):
            await seeded.add_webhook(miner, url, SECRET)
            await seeded.change(worker, "unavailable")
            await until(lambda: not answers)
    assert [attributes(each) for each in named(exported, "publish")] == [
        {"channel": "alerts", "events": 1}
    ]
    assert [attributes(each) for each in named(exported, "deliver")] == [
        {"channel": "webhooks", "attempt": attempt} for attempt in (1, 2)
    ]


def test_without_a_tracer_nothing_is_made() -> None:
    assert span("flush", shares=1) is span("cycle")
