"""The leader on TimescaleDB: the same figures, and a restart that sees late work in the rollups."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term, answers, windows_of


@pytest.fixture
async def connection(timescale_url: str) -> AsyncIterator[AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(timescale_url, autocommit=True) as opened:
        yield opened


async def test_cycles_late_work_and_restart(connection: AsyncConnection[Any]) -> None:
    intake = FakeIntake(connection)
    await intake.set_up()
    old = await Term.begin(connection)
    for end in (700, 1_500, 2_000):
        work = [Work(end - age, worker, 10.0 * worker) for age in (1, 100) for worker in (1, 2, 3)]
        await intake.flush(work, stream=end)
        await old.cycle()
    await intake.flush([Work(450, 1, 1_000.0), Work(1_450, 2, 7.0), Work(601, 3, 500.0)])
    await intake.list_whole(450)
    await old.cycle()
    windows = await windows_of(connection, "worker_figures", 1)
    assert windows["accepted_1w"] == 6 * 10.0 + 1_000.0
    assert windows["accepted_15m"] == 10.0
    before = await answers(connection)
    new = await Term.begin(connection)
    assert (await new.cycle()).rows_written == 0
    found = await answers(connection)
    assert found == before
    cursor = await connection.execute(
        "select sum(accepted) from entity_1h where entity_id = 1 and bucket < %s", (at(2_000),)
    )
    assert await cursor.fetchone() == (6 * 60.0 + 1_000.0 + 7.0 + 500.0,)
