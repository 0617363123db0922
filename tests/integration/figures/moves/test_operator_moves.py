"""A miner that goes to another operator: minutes and windows of both, as of each instant."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from schemas.windows import WINDOWS
from tests.integration.figures.fake_intake import FakeIntake, Work, at
from tests.integration.figures.leader_term import Term, windows_of

OLD = 2


class Operators:
    """Two operators; the first miner of three begins at the old one. All work, in plain lists."""

    def __init__(self, connection: AsyncConnection[Any], *, new: int, miner: int) -> None:
        self.connection, self.new, self.miner = connection, new, miner
        self.intake = FakeIntake(connection)
        self.term: Term | None = None
        self.work: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
        self.now = 0
        self._operator: int | None = OLD
        self._draw = random.Random(7)

    @classmethod
    async def begin(cls, connection: AsyncConnection[Any]) -> Operators:
        intake = FakeIntake(connection)
        await intake.set_up(miners=3, workers=6)
        cursor = await connection.execute(
            "insert into operators (pool_id, title) values (1, 'new') returning id,"
            " (select min(id) from miners)"
        )
        new, miner = await cursor.fetchone() or (0, 0)
        operators = cls(connection, new=new, miner=miner)
        operators.intake = intake
        await operators.new_leader()
        return operators

    async def new_leader(self) -> None:
        self.term = await Term.begin(self.connection)

    async def move(self, operator: int | None) -> None:
        """By SQL, as anybody may; intake follows with `intake_notices`."""
        await self.connection.execute(
            "update miners set operator_id = %s where id = %s", (operator, self.miner)
        )

    def intake_notices(self, operator: int | None) -> None:
        self.intake.move(self.miner, operator)
        self._operator = operator

    async def mine(self, minutes: int, *, every: int = 1) -> None:
        """Work of all workers, then one cycle."""
        rows = [
            Work(minute, worker, self._draw.randrange(1, 99), self._draw.randrange(3))
            for minute in range(self.now, self.now + minutes, every)
            for worker in self.intake.workers
        ]
        own = set(self.intake.workers_of(self.miner))
        if self._operator is not None:
            self.work[self._operator] += [
                (row.minute, row.accepted, row.rejected) for row in rows if row.worker in own
            ]
        self.now += minutes
        await self.intake.flush(rows, stream=self.now)
        assert self.term is not None
        await self.term.cycle()

    def windows(self, operator: int) -> dict[str, float]:
        """By their definition, from the list of all work."""
        found = {}
        for spec in WINDOWS:
            first, width = self.now - spec.span_s // 60, spec.bucket_s // 60
            oldest = first - first % width
            weight = (oldest + width - first) / width
            for side, column in (("accepted", 1), ("rejected", 2)):
                found[f"{side}_{spec.name}"] = sum(
                    row[column] * (weight if row[0] < oldest + width else 1)
                    for row in self.work[operator]
                    if row[0] >= oldest
                )
        return found

    async def check(self) -> None:
        for operator in (OLD, self.new):
            figures = await windows_of(self.connection, "entity_figures", operator)
            assert figures == pytest.approx(self.windows(operator), rel=1e-12)
            minutes: dict[int, list[float]] = {}
            for minute, *sums in self.work[operator]:
                known = minutes.setdefault(minute, [0.0, 0.0])
                minutes[minute] = [known[0] + sums[0], known[1] + sums[1]]
            cursor = await self.connection.execute(
                "select bucket, accepted, rejected from entity_minutes"
                " where entity_id = %s order by bucket",
                (operator,),
            )
            assert await cursor.fetchall() == [
                (at(minute), *sums) for minute, sums in sorted(minutes.items())
            ]

    async def workers_of(self, operator: int) -> int:
        cursor = await self.connection.execute(
            "select sum(workers)::int4 from status_counts where entity_id = %s", (operator,)
        )
        row = await cursor.fetchone()
        return int(row[0]) if row and row[0] else 0


@pytest.fixture
async def operators(connection: AsyncConnection[Any]) -> Operators:
    operators = await Operators.begin(connection)
    await operators.mine(47)
    return operators


async def test_both_operators_are_right_from_the_next_cycle_on(operators: Operators) -> None:
    await operators.move(operators.new)
    # The cycle before intake notices: work still counts for the old one, workers for the new one.
    await operators.mine(2)
    await operators.check()
    assert (await operators.workers_of(OLD), await operators.workers_of(operators.new)) == (0, 2)
    operators.intake_notices(operators.new)
    for step in (1, 7, 25, 33, 1, 60, 179):
        await operators.mine(step)
        await operators.check()


async def test_new_leader_knows_of_the_move(operators: Operators) -> None:
    await operators.move(operators.new)
    operators.intake_notices(operators.new)
    await operators.new_leader()
    await operators.mine(3)
    await operators.check()
    await operators.new_leader()
    await operators.mine(10)
    await operators.check()


async def test_windows_of_a_day_and_a_week_forget_the_move_minute_by_minute(
    operators: Operators,
) -> None:
    await operators.move(operators.new)
    operators.intake_notices(operators.new)
    # Over the edges of the day's half hours and of the week's three hours.
    for step in (1_380, 23, 7, 60, 8_400, 170, 60, 60, 120, 10):
        await operators.mine(step, every=7)
        await operators.check()
    # Everything of the old one is more than a week ago.
    assert not any((await windows_of(operators.connection, "entity_figures", OLD)).values())


async def test_move_there_and_back_and_to_nobody(operators: Operators) -> None:
    for operator in (operators.new, OLD, None, operators.new):
        await operators.move(operator)
        operators.intake_notices(operator)
        await operators.mine(13)
        await operators.check()
        for one in (OLD, operators.new):
            assert await operators.workers_of(one) == (2 if one == operator else 0)


async def test_timescale_has_the_same_windows(timescale_url: str) -> None:
    """Its rollups are sums made while they are read, or refreshed some minutes ago."""
    async with await psycopg.AsyncConnection.connect(timescale_url, autocommit=True) as opened:
        operators = await Operators.begin(opened)
        await operators.mine(47)
        await operators.move(operators.new)
        operators.intake_notices(operators.new)
        for step in (5, 73, 1_400, 61):
            await operators.mine(step, every=7)
            await operators.check()


async def test_both_pools_are_right_when_a_miner_changes_pool(operators: Operators) -> None:
    """Work up to the change stays with the old pool, work after it goes to the new one."""
    connection, term = operators.connection, operators.term
    assert term is not None
    cursor = await connection.execute("insert into pools (title) values ('new pool') returning id")
    (new,) = await cursor.fetchone() or (0,)
    before = await windows_of(connection, "entity_figures", 1)
    await connection.execute("update miners set pool_id = %s where id = %s", (new, operators.miner))
    moved, minute = operators.intake.workers_of(operators.miner), operators.now
    await operators.intake.flush(
        [Work(minute, worker, 100.0) for worker in operators.intake.workers], stream=minute + 1
    )
    await term.cycle()
    stayed = len(operators.intake.workers) - len(moved)
    old_pool = await windows_of(connection, "entity_figures", 1)
    new_pool = await windows_of(connection, "entity_figures", new)
    assert old_pool["accepted_1d"] == before["accepted_1d"] + 100.0 * stayed
    assert new_pool["accepted_1d"] == new_pool["accepted_15m"] == 100.0 * len(moved)
