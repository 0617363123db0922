"""A flush, a beat and a delivery are spans where somebody traces."""

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
from aggregator.minutes.flusher import Flusher
from aggregator.minutes.patience import Patience
from deploy.tracing import SpanSource
from ingest.dead_letter import DeadLetter
from schemas.clock import SystemClock
from schemas.spans import span, trace_with
from tests.fixtures.figures_process import config_of
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.notify_world import publishing, until, world_of
from tests.fixtures.worker_minutes import FakeIntake, Work
from tests.integration import test_intake_flush as flushes
from tests.integration.test_webhooks import CONFIG, SECRET


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
    async with AsyncConnectionPool(database_url, min_size=1, max_size=2, open=False) as pool:
        world = flushes.World(pool)
        shares = (flushes.share(1), flushes.share(2))
        checkpoint = await world.checkpoint(await world.claim(), *shares)
        flusher = Flusher(
            world.writer, Patience(pool, world.config), NoLetters(), clock=SystemClock()
        )

        async def after(*_: object) -> None:
            assert named(exported, "flush")

        flusher.start(flushes.STREAM, checkpoint, after)
        await flusher.finish()
    (found,) = named(exported, "flush")
    assert attributes(found) == {"shares": 2, "letters": 0}


async def test_a_beat_is_a_span(database_url: str, exported: InMemorySpanExporter) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        intake = FakeIntake(connection)
        await intake.set_up()
        await intake.flush([Work(1, 1, 5.0)], stream=3)
    async with AsyncConnectionPool(database_url, min_size=1, max_size=3, open=False) as pool:
        leader = FiguresLeader(config_of("leader", {}), pool, SystemClock())
        stop = asyncio.Event()
        running = asyncio.create_task(leader.run(stop))
        await until(lambda: leader.beats)
        stop.set()
        await running
    assert len(named(exported, "beat")) == leader.beats


async def test_deliveries_are_spans(database_url: str, exported: InMemorySpanExporter) -> None:
    answers = [500, 200]

    async def receiver(_: HttpRequest) -> HttpAnswer:
        return HttpAnswer(answers.pop(0))

    async with world_of(database_url) as world:
        miner = await world.add_miner("acme")
        worker = await world.add_worker(miner, "rig01")
        async with http_server(receiver) as url, publishing(world, CONFIG):
            await world.add_webhook(miner, url, SECRET)
            await world.change(worker, "unavailable")
            await until(lambda: not answers)
    assert [attributes(each) for each in named(exported, "publish")] == [
        {"channel": "webhooks", "events": 1}
    ]
    assert [attributes(each) for each in named(exported, "deliver")] == [
        {"channel": "webhooks", "attempt": attempt} for attempt in (1, 2)
    ]


def test_without_a_tracer_nothing_is_made() -> None:
    assert span("flush", shares=1) is span("beat")
