"""What a database answers in bad times: whoever writes to it waits, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, LiteralString

import pytest
from aiokafka import AIOKafkaProducer
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from structlog.testing import capture_logs

from aggregator.figures.leader import FiguresLeader
from aggregator.ledger.check import check
from aggregator.notify.outbox import Pool, configure
from aggregator.notify.publisher import Publisher
from aggregator.payouts.service import PayoutService
from aggregator.payouts.states import Action
from deploy.local.btcd.node import BtcdNode
from schemas.codec import encode_json
from schemas.runtime.clock import ManualClock, SystemClock
from tests.fixtures.http_server import http_server
from tests.fixtures.until import until
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_process import config_of
from tests.integration.intake.share_pool import count_stored, create_topic
from tests.integration.intake.test_service import Bench, share
from tests.integration.notify.publisher_process import CONFIG as PUBLISHER
from tests.integration.notify.seeded_events import seeded_events
from tests.integration.notify.webhooks.receiver import SECRET, Receiver
from tests.integration.payouts.checks import assert_books_are_right
from tests.integration.payouts.paying_pool import paying_pool
from tests.integration.payouts.signer import Signer
from tests.integration.settlement.settled_pool import LATER, SettledPool
from tests.integration.settlement.test_service import PETAHASHES, booked, settling

REFUSED: Final = {
    "read-only transaction": "25006",
    "disk full": "53100",
    "out of memory": "53200",
    "too many connections": "53300",
    "statement timeout": "57014",
    "admin shutdown": "57P01",
    "starting up": "57P03",
    "lock timeout": "55P03",
    "deadlock": "40P01",
    "serialization failure": "40001",
}
"""Codes with which every third write fails."""

STATES: Final[dict[str, tuple[LiteralString, LiteralString]]] = {
    "read-only database": (
        "alter database {} set default_transaction_read_only = on",
        "alter database {} reset default_transaction_read_only",
    ),
    "no connection let in": (
        "alter database {} with allow_connections false",
        "alter database {} with allow_connections true",
    ),
    "sessions ended": ("select 1", "select 1"),
}
"""Of the whole database: everybody is disconnected, and whoever comes finds it so."""

FAULTS: Final = [*REFUSED, *STATES]
_SPARED: Final = "spared"
_TRIGGERS: Final = """
create schema bad;
create table bad.times (code text);
create sequence bad.writes;
grant usage on schema bad to public;
grant select on bad.times to public;
grant usage on bad.writes to public;
create function bad.fail() returns trigger language plpgsql as $$
declare refused text := (select code from bad.times);
begin
    if refused is not null and nextval('bad.writes') % 3 = 0 then
        raise exception 'bad times' using errcode = refused;
    end if;
    return null;
end $$;
do $$
declare relation regclass;
begin
    for relation in
        select oid from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
    loop
        execute format('create trigger bad before insert or update or delete on %s'
            ' for each statement execute function bad.fail()', relation);
    end loop;
end $$;
"""


class BadTimes:
    """Faults of one database. `url` is that of the test's own sessions, which are spared."""

    def __init__(self, database_url: str) -> None:
        self._name = str(conninfo_to_dict(database_url)["dbname"])
        self._outside = make_conninfo(database_url, dbname="postgres")
        self.url = f"{database_url}?application_name={_SPARED}"

    async def prepare(self) -> None:
        async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
            await connection.execute(_TRIGGERS)

    @asynccontextmanager
    async def lasting(self, fault: str) -> AsyncIterator[None]:
        if fault in REFUSED:
            async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
                await connection.execute("insert into bad.times values (%s)", (REFUSED[fault],))
                try:
                    yield
                finally:
                    await connection.execute("delete from bad.times")
            return
        async with await AsyncConnection.connect(self._outside, autocommit=True) as outside:
            begin, end = STATES[fault]
            await self._change(outside, begin)
            try:
                yield
            finally:
                await self._change(outside, end)

    async def _change(self, outside: AsyncConnection[Any], statement: LiteralString) -> None:
        await outside.execute(sql.SQL(statement).format(sql.Identifier(self._name)))
        await outside.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = %s and application_name <> %s",
            (self._name, _SPARED),
        )


@pytest.fixture
async def bad_times(database_url: str) -> BadTimes:
    times = BadTimes(database_url)
    await times.prepare()
    return times


def met(logs: list[Any], known: int) -> bool:
    return warnings(logs) > known


def warnings(logs: list[Any]) -> int:
    return sum(entry["log_level"] in ("warning", "error") for entry in logs)


async def waits_out_all(
    bad_times: BadTimes,
    work: Callable[[int], Awaitable[None]],
    running: asyncio.Task[None] | None = None,
    *,
    asked: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """`work` gives the service something to do and waits until it is done; `asked` asks for
    something in the middle of a fault, if the service would do nothing of its own accord."""
    with capture_logs() as logs:
        await work(0)
        for number, fault in enumerate(FAULTS, start=1):
            known = warnings(logs)
            async with bad_times.lasting(fault):
                if asked is not None:
                    await asked()
                await until(lambda known=known: met(logs, known))
            assert running is None or not running.done(), fault
            await work(number)
    errors = {entry["event"] for entry in logs if entry["log_level"] == "error"}
    assert errors <= {"intake_waits"}


@pytest.mark.kafka
async def test_intake_waits_out_whatever_the_database_answers(
    bad_times: BadTimes, database_url: str, kafka_bootstrap: str, topic: str
) -> None:
    await create_topic(kafka_bootstrap, topic, 1)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        bench = Bench(kafka_bootstrap, topic, database_url, producer)

        async def work(number: int) -> None:
            await bench.send(encode_json([share()]))
            await bench.stored(number + 1)

        async with bench.intake() as intake:
            await waits_out_all(bad_times, work)
            await until(lambda: intake.monitor.why_not_ready() is None)
    assert count_stored(database_url) == len(FAULTS) + 1


async def test_the_leader_waits_out_whatever_the_database_answers(
    bad_times: BadTimes, database_url: str
) -> None:
    stop = asyncio.Event()
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
        database_url, min_size=1, max_size=3, timeout=1, open=False
    )
    async with await AsyncConnection.connect(bad_times.url, autocommit=True) as connection, pool:
        intake = FakeIntake(connection)
        await intake.set_up()

        async def work(number: int) -> None:
            await intake.flush([Work(number, 1, 8.0)], stream=number + 1)
            await until(lambda: published_to(connection, number + 1))

        running = asyncio.create_task(
            FiguresLeader(config_of("one", {}), pool, SystemClock()).run(stop)
        )
        await waits_out_all(bad_times, work, running)
        stop.set()
        await running
        cursor = await connection.execute(
            "select accepted_1h, transition_number from worker_figures where worker_id = 1"
        )
        assert await cursor.fetchall() == [(8.0 * (len(FAULTS) + 1), 1)]


async def published_to(connection: AsyncConnection[Any], minute: int) -> bool:
    cursor = await connection.execute("select watermark from leader")
    return await cursor.fetchone() == (at(minute),)


async def test_the_publisher_waits_out_whatever_the_database_answers(
    bad_times: BadTimes, database_url: str
) -> None:
    stop, receiver = asyncio.Event(), Receiver()
    pool: Pool = AsyncConnectionPool(
        database_url, min_size=1, max_size=8, timeout=1, open=False, configure=configure
    )
    async with http_server(receiver) as url, seeded_events(bad_times.url) as seeded, pool:
        miner = await seeded.add_miner("acme")
        await seeded.add_webhook(miner, url, SECRET)
        rig = await seeded.add_worker(miner, "rig")

        async def work(number: int) -> None:
            await seeded.change(rig, "stable" if number % 2 else "unavailable", cause="share")
            await until(lambda: len({*receiver.ids}) > number)

        running = asyncio.create_task(Publisher(replace(PUBLISHER, retry_s=0.05), pool).run(stop))
        await waits_out_all(bad_times, work, running)
        stop.set()
        await running
    numbers = [data["number"] for data in receiver.data]
    assert [*dict.fromkeys(numbers)] == [*range(1, len(FAULTS) + 2)]


async def test_settlement_waits_out_whatever_the_database_answers(
    bad_times: BadTimes, database_url: str
) -> None:
    clock = ManualClock(round(LATER.timestamp() * 1_000))
    async with await AsyncConnection.connect(bad_times.url, autocommit=True) as connection:
        pool = SettledPool(connection)
        await pool.set_up()
        await pool.work(await pool.miner("alice"), PETAHASHES)

        async def work(number: int) -> None:
            await until(lambda: booked(pool, number + 1))
            await connection.execute("update leader set watermark = watermark + '1 day'")
            clock.advance(86_400)

        async with settling(database_url, clock) as running:
            await waits_out_all(bad_times, work, running)
        assert await pool.all("select count(*)::int from payments") == [(1,)]
        assert await check(connection) == []


async def test_payouts_wait_out_whatever_the_database_answers(
    bad_times: BadTimes, database_url: str, btcd: BtcdNode, tmp_path: Path
) -> None:
    """A batch is proposed and cancelled by turns, each asked for in the middle of a fault."""
    stop = asyncio.Event()
    connections: AsyncConnectionPool[Any] = AsyncConnectionPool(
        database_url,
        min_size=1,
        max_size=2,
        timeout=1,
        open=False,
        kwargs={"row_factory": dict_row, "autocommit": True},
    )
    async with paying_pool(bad_times.url, btcd, Signer(tmp_path / "seed")) as pool, connections:
        await pool.owe(3)
        # Whoever asks is not concerned by what fails.
        await pool.connection.execute("set session_replication_role = replica")
        config = replace(pool.config, poll_s=0.02, watch_s=0.1, window_from_hour=23)

        async def asked() -> None:
            open_batch = await pool.value(
                "select id from payout_batches where state not in ('cancelled', 'final')"
            )
            await pool.request(Action.CANCEL if open_batch else Action.PROPOSE, open_batch)

        async def work(number: int) -> None:
            done = "select count(*) = %s from payout_requests where outcome = 'done'"
            await until(lambda: pool.value(done, number))

        running = asyncio.create_task(
            PayoutService(config, pool.parts, connections, pool.clock).run(stop)
        )
        await waits_out_all(bad_times, work, running, asked=asked)
        stop.set()
        await running
        await assert_books_are_right(pool)
