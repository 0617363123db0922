"""The ledger: ids from content, pending transfers, checks that find what is wrong, a journal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from beancount import loader
from psycopg import AsyncConnection

from aggregator.ledger.check import check
from aggregator.ledger.export import journal
from aggregator.ledger.transfers import (
    AccountKind,
    PendingEndedError,
    Transfer,
    TransferState,
    account,
    available_sat,
    book,
    content_id,
    post,
    void,
)

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Party:
    """A pool and one of its miners."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection
        self.miner = self.customer = self.mining = self.wallet = 0

    async def set_up(self) -> None:
        pool = await self.one("insert into pools (title) values ('Pool') returning id")
        self.miner = await self.one(
            f"insert into miners (account_name, pool_id) values ('alice', {pool}) returning id"
        )
        self.customer = await account(self.connection, self.miner, AccountKind.CUSTOMER)
        self.mining = await account(self.connection, pool, AccountKind.MINING)
        self.wallet = await account(self.connection, pool, AccountKind.WALLET)

    def reward(self, amount_sat: int, about: object) -> Transfer:
        return Transfer(
            content_id("reward", about), self.mining, self.customer, amount_sat, "reward", NOW, NOW
        )

    def payout(self, amount_sat: int, about: object) -> Transfer:
        return Transfer(
            content_id("payout", about),
            self.customer,
            self.wallet,
            amount_sat,
            "payout",
            NOW,
            NOW,
            state=TransferState.PENDING,
        )

    async def one(self, statement: str) -> Any:
        row = await (await self.connection.execute(statement.encode())).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
async def party(connection: AsyncConnection[Any]) -> Party:
    party = Party(connection)
    await party.set_up()
    return party


async def test_booking_again_books_nothing(party: Party) -> None:
    transfers = [party.reward(5, 1), party.reward(6, 2)]
    assert await book(party.connection, transfers) == 2
    assert await book(party.connection, [*transfers, party.reward(7, 3)]) == 1
    assert await available_sat(party.connection, party.miner) == 18


async def test_a_pending_transfer_reserves_until_it_is_posted_or_voided(party: Party) -> None:
    first, second = party.payout(3, 1), party.payout(4, 2)
    await book(party.connection, [party.reward(10, 1), first, second])
    assert await available_sat(party.connection, party.miner) == 3
    assert await void(party.connection, first.id, now=NOW)
    assert await post(party.connection, second.id, now=NOW)
    assert not await post(party.connection, second.id, now=NOW)
    assert await available_sat(party.connection, party.miner) == 6
    with pytest.raises(PendingEndedError):
        await post(party.connection, first.id, now=NOW)
    # Paid from a wallet that never had a coin, and nothing else is wrong.
    (problem,) = await check(party.connection)
    assert "the account says -4 sat, the chain 0 sat" in problem


async def test_a_check_names_a_cache_that_is_not_the_sum(party: Party) -> None:
    await book(party.connection, [party.reward(10, 1)])
    await party.connection.execute("update ledger_balances set credits_sat = credits_sat + 1")
    problems = await check(party.connection)
    assert any("balances are sums" in problem for problem in problems)
    assert any("debits equal credits" in problem for problem in problems)


async def test_beancount_finds_the_journal_balanced(party: Party) -> None:
    pending = party.payout(4, 1)
    await book(party.connection, [party.reward(10, 1), pending, party.payout(1, 2)])
    await post(party.connection, pending.id, now=NOW)
    async with party.connection.transaction():
        text = "".join([entry async for entry in journal(party.connection)])
    entries, errors, _ = loader.load_string(text)
    assert errors == []
    assert len([one for one in entries if type(one).__name__ == "Transaction"]) == 2


async def test_beancount_notices_a_balance_that_is_wrong(party: Party) -> None:
    await book(party.connection, [party.reward(10, 1)])
    await party.connection.execute("update ledger_balances set credits_sat = credits_sat + 1")
    async with party.connection.transaction():
        text = "".join([entry async for entry in journal(party.connection)])
    _, errors, _ = loader.load_string(text)
    assert errors
