"""Who leads: leases, takeovers, killed and frozen leaders."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg import AsyncConnection

from aggregator.postgres.lease import Lease, LeaseLostError
from deploy.database.roles import AGGREGATOR
from schemas.worker import event_ids
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term, answers

ROOT = Path(__file__).parents[3]


class Leaders:
    """Leader processes; whoever is left is killed at the end."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, holder: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.figures.leader_process",
            under(AGGREGATOR, self._url), holder,
            cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self.processes.append(process)
        return process

    async def kill(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture
async def leaders(database_url: str) -> AsyncIterator[Leaders]:
    leaders = Leaders(database_url)
    yield leaders
    for process in leaders.processes:
        await leaders.kill(process)


def holder_is(connection: AsyncConnection[Any], name: str) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        cursor = await connection.execute("select holder from leader")
        return await cursor.fetchone() == (name,)

    return holds


def watermark(connection: AsyncConnection[Any], minute: int) -> Callable[[], Awaitable[bool]]:
    async def is_there() -> bool:
        cursor = await connection.execute(
            "select 1 from leader where watermark >= %s", (at(minute),)
        )
        return await cursor.fetchone() is not None

    return is_there


async def test_a_lease_is_taken_once(connection: AsyncConnection[Any]) -> None:
    first, second = Lease("first", lease_s=15), Lease("second", lease_s=15)
    assert await first.acquire(connection)
    assert not await second.acquire(connection)
    await first.release(connection)
    assert await second.acquire(connection)


async def test_an_old_epoch_neither_renews_nor_writes(connection: AsyncConnection[Any]) -> None:
    old, new = Lease("old", lease_s=0), Lease("new", lease_s=0)
    assert await old.acquire(connection)
    await old.renew(connection)
    await asyncio.sleep(0.01)
    assert await new.acquire(connection)
    with pytest.raises(LeaseLostError):
        await old.renew(connection)
    with pytest.raises(LeaseLostError):
        await old.fence(connection)


async def test_a_cycle_of_an_old_leader_writes_nothing(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    old = await Term.begin(connection)
    await intake.flush([Work(0, 1, 5.0)], stream=1)
    await old.cycle()
    await Term.begin(connection)
    await intake.flush([Work(1, 1, 7.0)], stream=2)
    before = await answers(connection)
    with pytest.raises(LeaseLostError):
        await old.cycle()
    assert await answers(connection) == before


async def test_a_transaction_that_stands_still_holds_nobody_up(
    database_url: str, connection: AsyncConnection[Any]
) -> None:
    """Frozen between two statements of a write: the database ends it, and the lease is free."""
    old, new = Lease("old", lease_s=0.1), Lease("new", lease_s=0.1)
    async with await psycopg.AsyncConnection.connect(database_url) as frozen:
        await frozen.execute("set idle_in_transaction_session_timeout = '500ms'")
        await frozen.commit()
        assert await old.acquire(frozen)
        await frozen.commit()
        await old.fence(frozen)
        await asyncio.sleep(0.2)
        async with asyncio.timeout(10):
            assert await new.acquire(connection)
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            await frozen.execute("update leader set watermark = now()")


async def test_leader_that_stands_still_among_its_events_holds_nobody_up(
    database_url: str, intake: FakeIntake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stand_still(uids: bytes, numbers: Sequence[int]) -> NDArray[np.void]:
        with psycopg.connect(database_url, autocommit=True) as standby:
            standby.execute("set lock_timeout = '5s'")
            standby.execute("update leader set epoch = epoch + 1")
        return event_ids(uids, numbers)

    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as own:
        term = await Term.begin(own)
        await intake.flush([Work(0, 1, 5.0)], stream=1)
        monkeypatch.setattr("aggregator.figures.status.store.event_ids", stand_still)
        with pytest.raises(LeaseLostError):
            await term.cycle()
        cursor = await own.execute("select count(*) from events")
        assert await cursor.fetchone() == (0,)


async def test_standby_takes_over_from_a_killed_leader(
    connection: AsyncConnection[Any], intake: FakeIntake, leaders: Leaders
) -> None:
    first = await leaders.start("first")
    await until(holder_is(connection, "first"))
    await leaders.start("second")
    await intake.flush([Work(0, 1, 5.0)], stream=1)
    await until(watermark(connection, 1))
    await leaders.kill(first)
    await intake.flush([Work(1, 1, 5.0)], stream=2)
    await until(holder_is(connection, "second"))
    await until(watermark(connection, 2))


async def test_an_orderly_stop_hands_over_at_once(
    connection: AsyncConnection[Any], intake: FakeIntake, leaders: Leaders
) -> None:
    first = await leaders.start("first")
    await until(holder_is(connection, "first"))
    first.terminate()
    assert await first.wait() == 0
    assert await Lease("next", lease_s=3_600).acquire(connection)


async def test_frozen_leader_cannot_write_after_another_took_over(
    connection: AsyncConnection[Any], intake: FakeIntake, leaders: Leaders
) -> None:
    first = await leaders.start("first")
    await until(holder_is(connection, "first"))
    await intake.flush([Work(0, worker, 5.0) for worker in intake.workers], stream=1)
    await until(watermark(connection, 1))
    first.send_signal(signal.SIGSTOP)
    await leaders.start("second")
    await until(holder_is(connection, "second"))
    await intake.flush([Work(1, worker, 6.0) for worker in intake.workers], stream=2)
    await until(watermark(connection, 2))
    first.send_signal(signal.SIGCONT)
    for minute in range(2, 12):
        work = [Work(minute, worker, 6.0) for worker in intake.workers]
        await intake.flush(work, stream=minute + 1)
        await until(watermark(connection, minute + 1))
    cursor = await connection.execute("select holder, epoch from leader")
    assert await cursor.fetchone() == ("second", 2)


async def test_killed_at_any_moment_the_figures_are_those_of_an_undisturbed_run(
    connection: AsyncConnection[Any], intake: FakeIntake, leaders: Leaders
) -> None:
    generator = random.Random(3)
    work = [
        Work(minute, worker, float(generator.randrange(2**40)), 1.0)
        for minute in range(120)
        for worker in intake.workers
        if generator.random() < 0.7
    ]
    process = await leaders.start("leader0")
    kills = 0
    for minute in range(120):
        await intake.flush([row for row in work if row.minute == minute], stream=minute + 1)
        if minute % 12 == 11:
            await until(watermark(connection, minute - 8))
            await asyncio.sleep(generator.random() / 20)
            await leaders.kill(process)
            kills += 1
            process = await leaders.start(f"leader{kills}")
    await until(watermark(connection, 120))
    await leaders.kill(process)
    disturbed = await answers(connection)
    await connection.execute(
        "truncate worker_minutes, entity_minutes, dirty_minutes, worker_statuses, "
        "window_blocks, entity_figures, status_counts, events, late_rollups, "
        "worker_15m_closed, worker_1h_closed, worker_1d_closed, "
        "entity_15m_closed, entity_1h_closed, entity_1d_closed, source_figures cascade; "
        "update leader set stream_time = null, watermark = null; "
        "update closed_rollups set closed_to = null; "
        "update status_sweep set judged_to = null, resumed_at = null"
    )
    term = await Term.begin(connection)
    await intake.flush(work)
    await term.cycle()
    assert await answers(connection) == disturbed
