"""Shares that come after the settlement are booked as corrections, never edited in."""

from __future__ import annotations

import pytest

from aggregator.ledger.check import check
from aggregator.settlement.correct import NotSettledError, differences
from tests.integration.settlement.settled_pool import DAY, SettledPool

pytestmark = pytest.mark.postgres


async def test_a_late_share_yields_one_correction_of_its_worth(pool: SettledPool) -> None:
    await pool.connection.execute("update pools set fee = 0.1")
    alice = await pool.miner("alice")
    await pool.work(alice, 1_000)
    await pool.rate()
    await pool.settle()
    await pool.work(alice, 50, minute=5)
    done = await pool.correct()
    assert (done.booked, done.gross_sat, done.waiting) == (1, 50, ())
    assert (await pool.correct()).booked == 0
    assert await pool.payments(alice) == [
        ("reward", "incoming", 900),
        ("reward", "incoming", 45),
    ]
    assert await pool.payments(pool.pool) == [
        ("reward", "incoming", 100),
        ("reward", "incoming", 5),
    ]
    named = await pool.all(
        "select first.amount_sat, payments.amount_sat from payments"
        " join payments first on first.id = payments.corrects order by 1"
    )
    assert named == [(100, 5), (900, 45)]
    assert await check(pool.connection) == []


async def test_late_work_under_another_operator_pays_that_operators_fee(
    pool: SettledPool,
) -> None:
    farm, other = await pool.operator(0.1), await pool.operator(0.2)
    alice = await pool.miner("alice", operator=other)
    await pool.connection.execute("update miners set operator_id = %s", (farm,))
    await pool.work(alice, 1_000, operator=farm)
    await pool.rate()
    await pool.settle()
    await pool.work(alice, 100, minute=1, operator=other)
    await pool.correct()
    # A second correction still knows the first one's fee.
    await pool.work(alice, 10, minute=2, operator=farm)
    await pool.correct()
    assert (await pool.balances())[other] == 20
    assert await check(pool.connection) == []


async def test_a_miner_whose_first_share_came_late_gets_its_day(pool: SettledPool) -> None:
    await pool.work(await pool.miner("alice"), 10)
    bob = await pool.miner("bob")
    await pool.rate()
    await pool.settle()
    await pool.work(bob, 5)
    assert (await pool.correct()).gross_sat == 5
    assert (await pool.balances())[bob] == 5
    assert await check(pool.connection) == []


async def test_late_work_of_a_donor_that_only_gave_boundary_work_is_booked(
    pool: SettledPool,
) -> None:
    donor, recipient = await pool.miner("donor"), await pool.miner("recipient")
    given = await pool.given_worker(donor, recipient)
    await pool.work(recipient, 100, worker=given)
    await pool.rate()
    await pool.settle()
    await pool.work(donor, 150, minute=1)
    assert (await pool.correct()).gross_sat == 150
    assert (await pool.correct()).booked == 0
    assert await pool.balances() == {donor: 50, recipient: 100}
    assert await check(pool.connection) == []


async def test_a_day_of_which_a_recount_left_nothing_is_corrected_once(pool: SettledPool) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, 100)
    await pool.work(await pool.miner("bob"), 7)
    await pool.rate()
    await pool.settle()
    await pool.connection.execute("delete from worker_minutes where miner_id = %s", (alice,))
    assert [(await pool.correct()).gross_sat for _ in range(2)] == [-100, 0]
    await pool.work(alice, 30)
    assert (await pool.correct()).gross_sat == 30
    assert (await pool.balances())[alice] == 30
    assert await check(pool.connection) == []


async def test_what_was_counted_too_much_goes_back_if_it_is_still_there(
    pool: SettledPool,
) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, 100)
    await pool.rate()
    await pool.settle()
    await pool.connection.execute("update worker_minutes set accepted = 40")
    assert (await pool.correct()).gross_sat == -60
    assert await pool.payments(alice) == [("reward", "incoming", 100), ("reward", "outgoing", 60)]
    await pool.connection.execute(
        "insert into ledger_transfers (id, debit_account_id, credit_account_id, amount_sat, kind,"
        " effective_at) select gen_random_uuid(), c.id, w.id, 40, 'payout', now()"
        " from ledger_accounts c, ledger_accounts w"
        " where c.owner_id = %s and c.kind = 'customer' and w.kind = 'external'",
        (alice,),
    )
    await pool.connection.execute("update worker_minutes set accepted = 30")
    done = await pool.correct()
    assert (done.booked, done.waiting) == (0, (alice,))
    assert await check(pool.connection) == []


async def test_a_check_shows_and_changes_nothing(pool: SettledPool) -> None:
    alice = await pool.miner("alice")
    await pool.work(alice, 1_000)
    await pool.rate()
    await pool.settle()
    await pool.work(alice, 50, minute=5)
    before = await pool.ledger()
    async with pool.transaction(snapshot=True):
        found = await differences(pool.connection, DAY)
    assert [(one.miner_id, one.worth_sat) for one in found] == [(alice, 50)]
    assert await pool.ledger() == before


async def test_minutes_that_retention_took_correct_nothing(pool: SettledPool) -> None:
    await pool.work(await pool.miner("alice"), 1)
    await pool.rate()
    await pool.settle()
    await pool.connection.execute("delete from worker_minutes")
    with pytest.raises(NotSettledError, match="retention"):
        await pool.correct()
