"""Workers that come and go: the leader remembers those of the last weeks, and any that is back."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection

from aggregator.figures.config import FiguresConfig
from aggregator.figures.state import FiguresState
from schemas.windows import DAY_S
from schemas.worker import StatusPolicy
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.leader_term import Term, answers

DAY = 1_440
CONFIG = FiguresConfig(clock="records", status=StatusPolicy(removed_after_s=9 * DAY_S))
GENERATIONS, AT_ONCE = 6, 5


class Pool:
    """Five workers at a time, each for a day; a generation comes every five days."""

    def __init__(self, connection: AsyncConnection[Any], intake: FakeIntake) -> None:
        self.connection, self.intake = connection, intake
        self.term: Term | None = None
        self.day = 0

    async def new_leader(self) -> Term:
        self.term = await Term.begin(self.connection, CONFIG)
        return self.term

    @property
    def state(self) -> FiguresState:
        assert self.term is not None
        assert self.term.state is not None
        return self.term.state

    async def work(self, workers: list[int], *, days: int = 5, source: int = 1) -> None:
        """A share of each at the beginning, then silence."""
        term = self.term or await self.new_leader()
        minute = self.day * DAY
        self.day += days
        await self.intake.flush([Work(minute, worker, 8.0, source=source) for worker in workers])
        for end in (minute + 2, minute + DAY + 200, self.day * DAY):
            await self.intake.flush([], stream=end)
            await term.cycle()

    async def come_and_go(self) -> list[list[int]]:
        workers = self.intake.workers
        generations = [
            workers[AT_ONCE * number : AT_ONCE * (number + 1)] for number in range(GENERATIONS)
        ]
        for generation in generations:
            await self.work(generation)
        await self.work([], days=20)
        return generations

    async def statuses(self, worker: int) -> list[tuple[int, str | None, str]]:
        cursor = await self.connection.execute(
            "select transition_number, from_status, to_status from events"
            " where worker_id = %s order by id",
            (worker,),
        )
        return await cursor.fetchall()

    async def counts(self) -> dict[tuple[int, str], int]:
        """Workers of each entity by status, from the rows of all workers."""
        cursor = await self.connection.execute(
            "select entity_id, figures.status, count(*) from worker_figures figures"
            " join miners on miners.id = figures.miner_id"
            " cross join lateral (values (miners.id), (operator_id), (pool_id)) owner (entity_id)"
            " where entity_id is not null group by 1, 2"
        )
        return {(entity, status): workers for entity, status, workers in await cursor.fetchall()}

    async def counts_published(self) -> dict[tuple[int, str], int]:
        cursor = await self.connection.execute(
            "select entity_id, status, workers from status_counts where workers > 0"
        )
        return {(entity, status): workers for entity, status, workers in await cursor.fetchall()}


@pytest.fixture
async def pool(connection: AsyncConnection[Any]) -> Pool:
    intake = FakeIntake(connection)
    await intake.set_up(workers=GENERATIONS * AT_ONCE)
    return Pool(connection, intake)


async def test_memory_follows_the_workers_of_late(pool: Pool) -> None:
    await pool.come_and_go()
    # Nine days to their removal, a window of a week, and a generation comes every five.
    assert pool.state.workers.count <= 4 * AT_ONCE
    assert pool.state.workers.known == 0
    assert await pool.counts_published() == await pool.counts()


async def test_worker_that_is_back_goes_on_with_its_next_number(pool: Pool) -> None:
    generations = await pool.come_and_go()
    gone = [
        (1, None, "stable"),
        (2, "stable", "unavailable"),
        (3, "unavailable", "off"),
        (4, "off", "removed"),
    ]
    back, stays_away = generations[0][:2]
    assert await pool.statuses(back) == gone
    await pool.work([back])
    assert await pool.statuses(back) == [
        *gone,
        (5, "removed", "stable"),
        (6, "stable", "unavailable"),
        (7, "unavailable", "off"),
    ]
    assert await pool.statuses(stays_away) == gone
    assert pool.state.workers.known == 1
    assert await pool.counts_published() == await pool.counts()


async def test_restart_at_any_time_changes_nothing(pool: Pool) -> None:
    generations = await pool.come_and_go()
    for workers, days in (([], 1), (generations[0][:1], 1), (generations[1], 12), ([], 20)):
        await pool.work(workers, days=days)
        found, known = await answers(pool.connection), pool.state.workers.known
        term = await pool.new_leader()
        assert (await term.cycle()).rows_written == 0
        assert await answers(pool.connection) == found
        assert pool.state.workers.known == known


async def test_removal_and_a_move_reach_whom_the_leader_has_forgotten(pool: Pool) -> None:
    generations = await pool.come_and_go()
    connection, worker = pool.connection, generations[0][0]
    cursor = await connection.execute(
        "insert into operators (pool_id, title) values (1, 'new') returning id"
    )
    (operator,) = await cursor.fetchone() or (0,)
    await connection.execute(
        "update miners set operator_id = %s where operator_id is not null", (operator,)
    )
    await connection.execute("insert into worker_removals (worker_id) values (%s)", (worker,))
    before = await pool.statuses(worker)
    await pool.work([], days=1)
    assert await pool.statuses(worker) == before
    published = await pool.counts_published()
    assert published == await pool.counts()
    assert published[operator, "removed"] == GENERATIONS * AT_ONCE // 2
    cursor = await connection.execute("select count(*) from worker_removals")
    assert await cursor.fetchone() == (0,)
