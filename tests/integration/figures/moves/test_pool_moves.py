"""A miner that changes its pool: each minute stays with the pool that the miner had then."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term

FIRST = 1


class Pools:
    """Three pools; two miners with two workers each begin at the first. Sums in plain dicts."""

    def __init__(self, connection: AsyncConnection[Any], intake: FakeIntake) -> None:
        self.connection, self.intake = connection, intake
        self.now = 0
        self.pool_at: dict[int, list[tuple[int, int]]] = {}
        self.work: dict[tuple[int, int], float] = defaultdict(float)

    @classmethod
    async def begin(cls, connection: AsyncConnection[Any]) -> Pools:
        intake = FakeIntake(connection)
        await intake.set_up(miners=2, workers=4)
        pools = cls(connection, intake)
        cursor = await connection.execute(
            "insert into pools (title) values ('second'), ('third') returning id"
        )
        pools.others = [pool for (pool,) in await cursor.fetchall()]
        cursor = await connection.execute("select id from miners order by id")
        pools.miners = [miner for (miner,) in await cursor.fetchall()]
        pools.pool_at = {miner: [(0, FIRST)] for miner in pools.miners}
        await pools.new_leader()
        return pools

    others: list[int]
    miners: list[int]

    async def new_leader(self) -> None:
        self.term = await Term.begin(self.connection)

    async def move(self, miner: int, pool: int, operator: int | None = None) -> None:
        await self.connection.execute(
            "update miners set pool_id = %s, operator_id = %s where id = %s",
            (pool, operator, miner),
        )
        self.pool_at[miner].append((self.now, pool))

    async def mine(self, minutes: list[int], *, to: int | None = None) -> None:
        """Work of all workers in these minutes, late or not, then one cycle."""
        rows = []
        for minute in minutes:
            for miner in self.miners:
                pool = [pool for since, pool in self.pool_at[miner] if since <= minute][-1]
                for worker in self.intake.workers_of(miner):
                    rows.append(Work(minute, worker, 8.0 * worker))
                    self.work[pool, minute] += 8.0 * worker
        self.now = max(self.now, *(minute + 1 for minute in minutes), to or 0)
        await self.intake.flush(rows, stream=self.now)
        await self.term.cycle()

    async def check(self) -> None:
        """Minutes and hours of each pool."""
        hours: dict[tuple[int, int], float] = defaultdict(float)
        for (pool, minute), work in self.work.items():
            hours[pool, minute - minute % 60] += work
        for table, expected in (("entity_minutes", self.work), ("entity_1h", hours)):
            cursor = await self.connection.execute(
                f"select entity_id, bucket, accepted from {table}"
                " where entity_id = any(%s) and accepted > 0",
                ([FIRST, *self.others],),
            )
            found = {(pool, bucket): work for pool, bucket, work in await cursor.fetchall()}
            assert found == {(pool, at(minute)): work for (pool, minute), work in expected.items()}


@pytest.fixture
async def pools(connection: AsyncConnection[Any]) -> Pools:
    pools = await Pools.begin(connection)
    await pools.mine([*range(10)])
    return pools


@pytest.mark.parametrize("restarted", [False, True])
async def test_late_work_stays_with_the_pool_of_its_time(pools: Pools, restarted: bool) -> None:
    moved, other = pools.miners
    await pools.move(moved, pools.others[0])
    await pools.mine([*range(10, 20)])
    await pools.check()
    await pools.move(moved, pools.others[1])
    # Nobody is left in the first pool.
    await pools.move(other, pools.others[0])
    await pools.mine([*range(20, 25)])
    if restarted:
        await pools.new_leader()
    await pools.mine([3, 12, 24])
    await pools.check()
    # The first work of its minute, and not merged before.
    await pools.mine([30], to=90)
    await pools.move(moved, FIRST)
    await pools.mine([50, 95])
    await pools.check()


async def test_two_moves_before_a_cycle_are_one(pools: Pools) -> None:
    moved = pools.miners[0]
    await pools.move(moved, pools.others[0])
    await pools.move(moved, pools.others[1])
    await pools.mine([10, 11])
    await pools.mine([4, 10])
    await pools.check()


async def test_operator_and_pool_change_at_once_while_the_miner_is_silent(pools: Pools) -> None:
    connection, moved = pools.connection, pools.miners[0]
    cursor = await connection.execute(
        "insert into operators (pool_id, title) values (%s, 'new') returning id",
        (pools.others[0],),
    )
    (operator,) = await cursor.fetchone() or (0,)
    await pools.intake.flush([], stream=400)
    await pools.term.cycle()
    pools.now = 400
    await pools.move(moved, pools.others[0], operator)
    await pools.intake.flush([], stream=402)
    await pools.term.cycle()
    pools.intake.move(moved, operator)
    await pools.check()
    cursor = await connection.execute(
        "select entity_id, workers from status_counts where status = 'unavailable' and workers > 0"
        " and entity_id = any(%s)",
        ([FIRST, *pools.others, operator],),
    )
    assert {*await cursor.fetchall()} == {(FIRST, 2), (pools.others[0], 2), (operator, 2)}
    pools.now = 402
    await pools.mine([402, 403])
    await pools.mine([7, 403])
    await pools.check()
