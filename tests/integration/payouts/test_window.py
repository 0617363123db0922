"""A day's batch: proposed by itself within the window, approved by itself within the limits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregator.payouts.config import LimitsConfig
from aggregator.payouts.states import Action
from tests.integration.payouts.checks import assert_books_are_right
from tests.integration.payouts.paying_pool import PayingPool, another_service

SERVICE = "payouts service"


async def look_at(pool: PayingPool, hour: float, **limits: Any) -> None:
    """One look at that hour of today, UTC."""
    midnight = pool.now.replace(hour=0, minute=0)
    pool.clock.advance((midnight + timedelta(hours=hour) - pool.now).total_seconds())
    service = another_service(pool, limits=LimitsConfig(**limits))
    await service.follow(pool.process)


async def steps(pool: PayingPool) -> list[tuple[str, str, str | None]]:
    rows = await pool.rows("select step, done_by, detail from payout_steps order by id")
    return [(row["step"], row["done_by"], row["detail"]) for row in rows]


async def test_batch_is_proposed_once_a_day_within_the_window(pool: PayingPool) -> None:
    await pool.owe(2)
    await look_at(pool, 10.99)
    assert await pool.value("select count(*) from payout_batches") == 0
    await look_at(pool, 11)
    await look_at(pool, 11.01)
    assert [step[:2] for step in await steps(pool)] == [("proposed", SERVICE)]
    batch_id = await pool.value("select id from payout_batches")
    assert await pool.value("select done_at from payout_steps") == pool.now - timedelta(minutes=0.6)

    # A person cancels it: the day had its batch, and gets no other by itself.
    await pool.do(Action.CANCEL, batch_id)
    await look_at(pool, 13.9)
    assert await pool.value("select count(*) from payout_batches") == 1
    await look_at(pool, 24 + 14)
    assert await pool.value("select count(*) from payout_batches") == 1
    await look_at(pool, 13.99)
    assert await pool.value("select count(*) from payout_batches") == 2


async def test_service_approves_up_to_its_limits_and_no_further(pool: PayingPool) -> None:
    """40,000,000 sat on the first day; as much again on the second one, by two batches."""
    await pool.owe(1)
    allowed: dict[str, Any] = {"automatic": True, "item_sat": 40_000_000, "day_sat": 79_999_999}
    await look_at(pool, 11, **allowed)
    assert [step[:2] for step in await steps(pool)] == [
        ("proposed", SERVICE),
        ("approved", SERVICE),
    ]

    await pool.owe(1, first=10, amount_sat=39_999_990)
    await look_at(pool, 24 + 9)
    by_hand = await pool.propose()
    await pool.approve(by_hand)
    await pool.owe(1, first=20, amount_sat=39_999_980)
    await look_at(pool, 11, **allowed)
    *_, proposed, left = await steps(pool)
    assert proposed[:2] == ("proposed", SERVICE)
    assert left == (
        "left to a person",
        SERVICE,
        "batches of the day are 80000000 sat, the limit 79999999",
    )
    waiting = await pool.value("select id from payout_batches where state = 'proposed'")
    await pool.approve(waiting)
    assert (await steps(pool))[-1][:2] == ("approved", "boss@pool")
    await assert_books_are_right(pool)
