"""Both kinds of database make the same rollups of the same month, to the last row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.figures.rollups.store import Policies
from deploy.database.migrate import migrate
from tests.integration.rollups.small_pool import RELATIONS, SmallPool, a_month, midnight_s, world

DAY_S = 86_400
DAYS = 30
# Short enough that a month meets retention at three levels.
POLICIES = replace(
    Policies(),
    quarter=replace(Policies().quarter, keep=timedelta(days=10)),
    hour=replace(Policies().hour, keep=timedelta(days=20)),
)


async def compare(plain: SmallPool, timescale: SmallPool) -> dict[str, int]:
    """Relation → rows compared."""
    compared = {}
    for relation in RELATIONS:
        expected = await plain.rows(relation)
        assert await timescale.rows(relation) == expected, relation
        compared[relation] = len(expected)
    return compared


@pytest.mark.slow
async def test_a_month_with_late_shares_and_retention_is_the_same(
    database_url: str, timescale_url: str
) -> None:
    migrate(timescale_url, POLICIES)
    # Yesterday: stream time never runs ahead of the clock.
    last_day_s = midnight_s(timedelta(days=1))
    async with world(database_url, POLICIES) as plain, world(timescale_url, POLICIES) as timescale:
        for day, (day_s, rows, late) in enumerate(a_month(last_day_s, days=DAYS, seed=4)):
            for side in (plain, timescale):
                await side.take(rows)
                await side.settle(day_s + DAY_S)
                # Two days late at most: into refreshed ranges, and compressed chunks.
                await side.take(late, named=True)
                await side.settle(day_s + DAY_S)
                await side.retain(day_s + DAY_S)
            if day % 5 == 4:
                await timescale.run_jobs()
        compared = await compare(plain, timescale)
        marks = "select relation, kept_from from retention_marks order by 1"
        assert await timescale.fetch(marks) == await plain.fetch(marks)
        compressed = await timescale.fetch(
            "select count(*) filter (where is_compressed), count(*) "
            "from timescaledb_information.chunks where hypertable_name = 'worker_minutes'"
        )
    assert compressed[0][0] > 0
    assert compared["worker_1d"] > DAYS
    assert 0 < compared["worker_minutes"] < compared["worker_15m"] < 2 * compared["worker_1h"]
