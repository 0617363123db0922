"""What the database knows of workers that the leader meets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from aggregator.figures.stored_workers import read_stored_workers
from aggregator.postgres.int4_array import Int4Array
from tests.integration.figures.fake_intake import FakeIntake, Work
from tests.integration.figures.leader_term import Term


@pytest.mark.parametrize(
    "ids", [[], [7], [-(2**31), -1, 0, 1, 2**31 - 1], range(100_000, 0, -1)], ids=len
)
async def test_array_of_ids_arrives_as_it_was_sent(
    connection: AsyncConnection[Any], ids: list[int]
) -> None:
    sent = Int4Array(np.array(ids, np.int32))
    cursor = await connection.execute("select %s::int4[], pg_typeof(%s)::text", (sent, sent))
    assert await cursor.fetchone() == ([*ids], "integer[]")


async def test_new_stored_and_gone_workers_are_told_apart(
    connection: AsyncConnection[Any], intake: FakeIntake
) -> None:
    term = await Term.begin(connection)
    first, second, third, fourth = intake.workers
    await intake.flush([Work(3, first, 64.0), Work(3, third, 8.0)], stream=4.5)
    await term.cycle()
    asked = np.array([first, second, third, fourth, 999, 1_000], np.int32)
    found = await read_stored_workers(connection, asked)
    assert found.new.worker_id.tolist() == [second, fourth]
    stored = np.concatenate([each.columns.worker_id for each in found.figures])
    assert stored.tolist() == [first, third]
    assert [each.totals[0, 0].tolist() for each in found.figures] == [[64.0, 8.0]]
    assert found.gone(asked).tolist() == [999, 1_000]
    assert found.attributed.tolist() == []
