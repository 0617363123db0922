"""Two settled days of the seeded pool's miner0: payments to look at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from tests.browser.site.seeded_pool import SeededPool
from tests.integration.settlement.settled_pool import SettledPool


async def book_two_days(seeded: SeededPool) -> None:
    """Twice as much work on the first day as on the second one; once for all tests."""
    if await seeded.rows("select 1 from payments limit 1"):
        return
    found = await seeded.rows(
        "select pool_id as pool, id as miner from miners where account_name = 'miner0'"
    )
    settled = SettledPool(seeded.connection)
    settled.pool = found[0]["pool"]
    first = datetime.now(UTC).date() - timedelta(days=4)
    settled.config = replace(settled.config, first_day=first)
    for ago, difficulty in ((0, 80_000), (1, 40_000)):
        day = first + timedelta(days=ago)
        await settled.work(found[0]["miner"], difficulty, day=day)
        await settled.rate(day)
    # Days are not frozen while intake reads a backlog.
    await seeded.rows("update intake_partitions set caught_up = true")
    await settled.settle(now=datetime.combine(first + timedelta(days=2), time(12), UTC))
