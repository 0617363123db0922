"""Rows that somebody deletes by SQL under the leader: it goes on with everybody else."""

from __future__ import annotations

from typing import Any

from psycopg import AsyncConnection

from tests.integration.deletions import delete_miner
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.leader_term import Term, answers, windows_of

DAY = 1_440


async def test_deleted_miner_that_falls_silent_stops_nobody(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    await intake.flush([Work(0, worker, 8.0, source=1) for worker in intake.workers], stream=2)
    await term.cycle()
    cursor = await connection.execute("select miner_id, array_agg(id) from workers group by 1")
    (gone, its_workers), (stays, others) = sorted(await cursor.fetchall())
    # In flight: flushed, not merged.
    await intake.flush([Work(2, worker, 8.0, source=1) for worker in intake.workers])
    await delete_miner(connection, gone)
    for end in (4, 60, 3 * DAY, 40 * DAY):
        await intake.flush([], stream=end)
        await term.cycle()
    found = await answers(connection)
    assert {row[0] for row in found["worker_figures"]} == {*others}
    numbers = [row[4] for row in found["events"] if row[3] in others]
    assert numbers == [1, 2, 3, 4] * len(others)
    assert {row[6] for row in found["events"] if row[3] in its_workers} == {"stable"}
    await (await Term.begin(connection)).cycle()
    assert (await answers(connection))["worker_figures"] == found["worker_figures"]
    assert stays in {row[0] for row in found["entity_figures"]}


async def test_minutes_of_a_deleted_miner_are_nobodys(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    """For a leader that has not known its workers: when it starts, and when a late minute comes."""
    await (await Term.begin(connection)).cycle_over(
        intake,
        [Work(minute, worker, 8.0) for minute in (0, 5, 300, 5_000) for worker in intake.workers],
        step=1_000,
    )
    cursor = await connection.execute("select min(id) from miners")
    (gone,) = await cursor.fetchone() or (0,)
    cursor = await connection.execute("select id from workers where miner_id <> %s", (gone,))
    others = {worker for (worker,) in await cursor.fetchall()}
    await delete_miner(connection, gone)
    term = await Term.begin(connection)
    await term.cycle()
    # Whole minutes, late and new ones.
    await intake.list_whole(5)
    await intake.list_whole(4_990)
    await intake.flush(
        [
            Work(minute, worker, 8.0)
            for minute in (4_990, 5_001, 5_002)
            for worker in intake.workers
        ],
        stream=5_003,
    )
    await term.cycle()
    assert {row[0] for row in (await answers(connection))["worker_figures"]} == others
    for worker in others:
        windows = await windows_of(connection, "worker_figures", worker)
        assert windows["accepted_1w"] == 7 * 8.0
        assert windows["accepted_15m"] == 4 * 8.0
    pool = await windows_of(connection, "entity_figures", 1)
    assert pool["accepted_1w"] == len(others) * 7 * 8.0
