"""Old events go; what is still to be published, or is needed to read the time after, stays."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg_pool import AsyncConnectionPool

from aggregator.figures.config import FiguresConfig
from aggregator.figures.leader import FiguresLeader
from aggregator.figures.rollups.event_retention import OldEvents
from aggregator.figures.rollups.retention import Policies
from aggregator.figures.status.store import attributed_workers
from deploy.database.roles import AGGREGATOR
from schemas.runtime.clock import SystemClock
from schemas.runtime.named_sql import load
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.fake_intake import at as minute_at

AVAILABILITY = load("query_api", "sql/availability.sql")["availability"]
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS, KEPT, WORKERS, MINERS = 40, 10, 12, 3
CUT = BEGIN + timedelta(days=DAYS - KEPT)
# Some hours into a day: the cut is the midnight before.
STREAM_S = int((BEGIN + timedelta(days=DAYS, hours=7)).timestamp())
CAUSES = ("share", "silence", "source_silent", "source_back")

pytestmark = [pytest.mark.postgres, pytest.mark.timescale]


@dataclass(frozen=True, slots=True)
class Outbox:
    """Events as a leader and a publisher would have left them."""

    connection: AsyncConnection[Any]

    async def fetch(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = await self.connection.execute(query.encode(), values)
        return await cursor.fetchall() if cursor.description else []

    async def set_up(self) -> None:
        await self.fetch("insert into pools (title) values ('pool')")
        await self.fetch(
            "insert into miners (account_name, pool_id)"
            " select 'miner' || n, (select id from pools) from generate_series(1, %s) as n",
            MINERS,
        )
        await self.fetch(
            "insert into workers (miner_id, name)"
            " select (select min(id) from miners) + n %% %s, 'rig' || n"
            " from generate_series(1, %s) as n",
            MINERS,
            WORKERS,
        )
        await self.fetch("insert into sources (name) values ('eu1'), ('us1')")

    async def change(
        self, worker: int, number: int, at: datetime, *, to: str = "stable", cause: str = "share",
        kind: str = "worker-status-changed",
    ) -> None:  # fmt: skip
        await self.fetch(
            "insert into events (event_id, kind, at, miner_id, worker_id, source_id,"
            " transition_number, to_status, cause)"
            " select gen_random_uuid(), %s, %s, miner_id, id, 1, %s, %s, %s"
            " from workers where id = %s",
            *(kind, at, number, to, cause, worker),
        )

    async def source(self, source: int, kind: str, at: datetime) -> None:
        await self.fetch(
            "insert into events (event_id, kind, at, source_id, cause, workers)"
            " values (gen_random_uuid(), %s, %s, %s, 'silence', 20)",
            *(kind, at, source),
        )

    async def publish(self, *, taken: int | None = None) -> None:
        """Number all events; channels have taken all, or the slower one those up to `taken`."""
        await self.fetch("update events set sequence = id where sequence is null")
        await self.fetch("update event_sequence set newest = (select max(id) from events)")
        await self.fetch(
            "insert into publisher_cursors select channel, sequence from (values"
            " ('kafka', (select max(sequence) from events)),"
            " ('alerts', coalesce(%s, (select max(sequence) from events)))"
            ") as stands (channel, sequence)"
            " on conflict (channel) do update set sequence = excluded.sequence",
            taken,
        )

    async def random_month(self, seed: int) -> None:
        """Transitions of everybody, in the order of time; some workers change seldom or early."""
        draw = random.Random(seed)
        timestamps = []
        for worker in range(1, WORKERS + 1):
            last_day = draw.choice([DAYS, DAYS, DAYS - KEPT - 5, 2])
            seconds = draw.sample(range(last_day * 86_400), draw.choice([1, 2, 9, 60]))
            for number, second in enumerate(sorted(seconds), 1):
                timestamps.append((second, worker, number))
        for second, worker, number in sorted(timestamps):
            status = "stable" if number % 2 else draw.choice(["unavailable", "off"])
            moment = BEGIN + timedelta(seconds=second)
            cause = draw.choice(CAUSES)
            await self.change(worker, number, moment, to=status, cause=cause)
            if status != "stable" and draw.random() < 0.3:
                kind = "worker-still-silent"
                await self.change(worker, number, moment, to=status, cause=cause, kind=kind)
            if draw.random() < 0.1:
                await self.source(draw.choice([1, 2]), "source-silent", moment)
        await self.fetch(
            "insert into worker_statuses (worker_id, miner_id, status, status_since,"
            " transition_number) select distinct on (worker_id) worker_id, miner_id, to_status,"
            " at, transition_number from events where kind = 'worker-status-changed'"
            " order by worker_id, transition_number desc"
        )

    async def availability(self, *, since: datetime) -> list[tuple[Any, ...]]:
        end = BEGIN + timedelta(days=DAYS + 1)
        moment = datetime.fromtimestamp(STREAM_S, UTC)
        async with AsyncRawCursor(self.connection) as cursor:
            await cursor.execute(
                AVAILABILITY.encode(), [list(range(1, WORKERS + 1)), since, end, moment]
            )
            return await cursor.fetchall()

    async def first_seen(self) -> list[tuple[Any, ...]]:
        """Since when workers, miners and the pool are there, as the API asks."""
        return [
            *await self.fetch(
                "select worker_id, miner_id, min(at) from events where worker_id is not null"
                " group by grouping sets ((worker_id), (miner_id)) order by 1, 2"
            ),
            *await self.fetch("select at from events order by id limit 1"),
        ]

    async def events(self) -> list[tuple[Any, ...]]:
        return await self.fetch(
            "select worker_id, source_id, transition_number, kind, at from events order by id"
        )

    async def retain(self, *, per_call: int = 7) -> list[int]:
        """A term's retention to its end; what each call looked at."""
        old = OldEvents(timedelta(days=KEPT), per_call=per_call)
        calls = []
        while seen := await old.retain(self.connection, stream_time_s=STREAM_S):
            calls.append(seen)
        return calls


@pytest.fixture(params=["plain", "timescale"])
async def outbox(request: pytest.FixtureRequest) -> AsyncIterator[Outbox]:
    fixture = {"plain": "database_url", "timescale": "timescale_url"}[request.param]
    url = request.getfixturevalue(fixture)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        built = Outbox(connection)
        await built.set_up()
        yield built


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_known_of_the_time_after_stays_the_same(outbox: Outbox, seed: int) -> None:
    await outbox.random_month(seed)
    await outbox.publish()
    availability, seen = await outbox.availability(since=CUT), await outbox.first_seen()
    attributed, before = await attributed_workers(outbox.connection), await outbox.events()
    assert len({row[0] for row in availability}) > WORKERS / 2
    calls = await outbox.retain()
    assert max(calls) <= 7
    after = await outbox.events()
    assert await outbox.availability(since=CUT) == availability
    assert await outbox.first_seen() == seen
    assert await attributed_workers(outbox.connection) == attributed
    # Nothing of the time that is kept is missing, and of the time before little is left.
    assert [row for row in after if row[4] >= CUT] == [row for row in before if row[4] >= CUT]
    for worker in range(1, WORKERS + 1):
        changes = [
            row[2]
            for row in after
            if row[0] == worker and row[4] < CUT and row[3] == "worker-status-changed"
        ]
        assert len(changes) <= 2
    assert len(after) < len(before)
    # Of earlier days half would be missing, so they are not published.
    whole = await outbox.availability(since=BEGIN)
    assert [row for row in whole if row[1] < CUT] == []
    assert whole == availability


async def test_nothing_goes_that_a_channel_has_not_taken(outbox: Outbox) -> None:
    for number in range(1, 7):
        await outbox.change(1, number, BEGIN + timedelta(hours=number))
    before = await outbox.events()
    assert await outbox.retain() == []
    assert await outbox.events() == before
    await outbox.publish(taken=4)
    await outbox.retain()
    assert [row[2] for row in await outbox.events()] == [1, 4, 5, 6]
    await outbox.publish()
    await outbox.retain()
    assert [row[2] for row in await outbox.events()] == [1, 6]


@pytest.mark.parametrize("status", ["pending", "failed", "delivered"])
async def test_an_event_stays_as_long_as_its_delivery(outbox: Outbox, status: str) -> None:
    for number in range(1, 5):
        await outbox.change(1, number, BEGIN + timedelta(hours=number))
    await outbox.publish()
    await outbox.fetch(
        "insert into webhooks (miner_id, url, secret)"
        " select miner_id, 'https://x', 's' from workers where id = 1"
    )
    await outbox.fetch(
        "insert into webhook_deliveries (webhook_id, event_id, status)"
        " select webhooks.id, event_id, %s from webhooks, events where transition_number = 2",
        status,
    )
    await outbox.retain()
    assert [row[2] for row in await outbox.events()] == [1, 2, 4]
    await outbox.fetch("delete from webhook_deliveries")
    await outbox.retain()
    assert [row[2] for row in await outbox.events()] == [1, 4]


async def test_an_event_stays_as_long_as_a_line_of_a_message(outbox: Outbox) -> None:
    for number in range(1, 5):
        await outbox.change(1, number, BEGIN + timedelta(hours=number))
    await outbox.publish()
    await outbox.fetch("insert into users default values")
    await outbox.fetch(
        "insert into alert_lines (channel, user_uid, miner_id, event_id, due_at)"
        " select 'telegram', uid, miner_id, event_id, now() from users, events"
        " where transition_number = 3"
    )
    await outbox.retain()
    assert [row[2] for row in await outbox.events()] == [1, 3, 4]


async def test_the_last_word_on_each_source_stays(outbox: Outbox) -> None:
    """Its return asks when it fell silent, however long ago that was."""
    for source, kind, hour in (
        *((1, "source-silent", 1), (2, "source-silent", 2), (1, "source-back", 3)),
        *((2, "source-back", 4), (1, "source-silent", 5)),
    ):
        await outbox.source(source, kind, BEGIN + timedelta(hours=hour))
    await outbox.source(2, "source-silent", CUT + timedelta(hours=1))
    await outbox.publish()
    await outbox.retain()
    assert [(row[1], row[3]) for row in await outbox.events()] == [
        *((2, "source-back"), (1, "source-silent"), (2, "source-silent")),
    ]


async def test_workers_that_fell_silent_in_one_second_do_not_stop_it(outbox: Outbox) -> None:
    for number in (1, 2, 3):
        for worker in range(1, WORKERS + 1):
            await outbox.change(worker, number, BEGIN + timedelta(days=number))
    await outbox.publish()
    calls = await outbox.retain(per_call=5)
    assert calls == [5] * 7 + [1]
    assert {row[2] for row in await outbox.events()} == {1, 3}


async def test_the_leader_drops_old_events(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        outbox, intake = Outbox(connection), FakeIntake(connection)
        await intake.set_up()
        for number in range(1, 6):
            await outbox.change(1, number, minute_at(0) - timedelta(days=30 - number))
        await outbox.publish()
        await intake.flush([Work(0, 1, 10.0)], stream=2)
        config = FiguresConfig(
            clock="records", policies=Policies(keep_events=timedelta(days=8)), standby_poll_s=0.05
        )
        stop = asyncio.Event()
        url = under(AGGREGATOR, database_url)
        async with AsyncConnectionPool(url, min_size=1, max_size=4, open=False) as pool:
            running = asyncio.create_task(FiguresLeader(config, pool, SystemClock()).run(stop))
            old = "select transition_number from events where at < %s order by 1"

            async def gone() -> bool:
                rows = await outbox.fetch(old, minute_at(0) - timedelta(days=8))
                return rows == [(1,), (5,)]

            try:
                await until(gone)
            finally:
                stop.set()
                await running
