"""What the tables of money refuse and do by themselves, on plain PostgreSQL and TimescaleDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import AsyncConnection, errors

pytestmark = pytest.mark.postgres


@pytest.fixture(
    params=[
        pytest.param("database_url", marks=pytest.mark.postgres),
        pytest.param("timescale_url", marks=pytest.mark.timescale),
    ]
)
async def accounts(request: pytest.FixtureRequest) -> AsyncIterator[AsyncConnection[Any]]:
    """A database of each kind with a pool, an operator and one of its miners."""
    url = request.getfixturevalue(request.param)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(
            "insert into pools (title, fee) values ('Pool', 0.02);"
            "insert into operators (pool_id, title, default_pool_fee)"
            " select id, 'Farm', 0.005 from pools;"
            "insert into miners (account_name, pool_id, operator_id)"
            " select 'alice', pools.id, operators.id from pools, operators"
        )
        yield connection


async def test_everybody_has_a_wallet_and_accounts_from_the_first_moment(
    accounts: AsyncConnection[Any],
) -> None:
    assert await rows(accounts, "select count(*) from wallets") == [(3,)]
    kinds = "select kind, count(*)::int from ledger_accounts join ledger_balances"
    assert await rows(accounts, f"{kinds} on account_id = id group by 1 order by 1") == [
        ("customer", 3),
        ("external", 1),
        ("mining", 1),
        ("network_fees", 1),
        ("wallet", 1),
    ]


async def test_first_fees_are_those_of_the_pool_and_the_operator(
    accounts: AsyncConnection[Any],
) -> None:
    found = await rows(accounts, "select relation, fee::text from fee_entries order by 1")
    assert found == [("miner_operator", "0.005000"), ("miner_pool", "0.020000")]


async def test_a_miner_that_comes_under_an_operator_gets_its_default_fee_once(
    accounts: AsyncConnection[Any],
) -> None:
    count = "select count(*)::int from fee_entries where relation = 'miner_operator'"
    await accounts.execute(
        "insert into operators (pool_id, title, default_pool_fee) select id, 'New', 0.03 from pools"
    )
    await accounts.execute("update miners set operator_id = null")
    await accounts.execute("update miners set operator_id = (select max(id) from operators)")
    assert await rows(accounts, count) == [(2,)]
    await accounts.execute("update miners set operator_id = (select min(id) from operators)")
    assert await rows(accounts, count) == [(2,)]


async def test_transfers_are_never_changed_or_deleted(accounts: AsyncConnection[Any]) -> None:
    await transfer(accounts, "mining", "customer", 5)
    for statement in (
        "update ledger_transfers set amount_sat = 6",
        "delete from ledger_transfers",
        "truncate ledger_transfers",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            await accounts.execute(statement)


async def test_no_customer_spends_more_than_it_has(accounts: AsyncConnection[Any]) -> None:
    await transfer(accounts, "mining", "customer", 5)
    await transfer(accounts, "customer", "wallet", 5, state="pending")
    with pytest.raises(errors.CheckViolation):
        await transfer(accounts, "customer", "wallet", 1)


async def test_a_pending_transfer_ends_once_and_as_it_began(accounts: AsyncConnection[Any]) -> None:
    await transfer(accounts, "mining", "customer", 5)
    pending = await transfer(accounts, "customer", "wallet", 5, state="pending")
    with pytest.raises(errors.CheckViolation):
        await transfer(accounts, "customer", "wallet", 4, state="post", pending_id=pending)
    await transfer(accounts, "customer", "wallet", 5, state="post", pending_id=pending)
    with pytest.raises(errors.UniqueViolation):
        await transfer(accounts, "customer", "wallet", 5, state="void", pending_id=pending)
    balances = await rows(
        accounts,
        "select kind, debits_sat, credits_sat, pending_debits_sat, pending_credits_sat"
        " from ledger_balances join ledger_accounts on id = account_id"
        " where debits_sat + credits_sat > 0 order by kind",
    )
    assert balances == [
        ("customer", 5, 5, 0, 0),
        ("mining", 5, 0, 0, 0),
        ("wallet", 0, 5, 0, 0),
    ]


@pytest.mark.parametrize(
    "accepted", [0.0, 0.0005, 1 / 3, 65_536.0, 2.0**30, 2.0**30 + 2.0**-22, 1.7e17, 2.0**224 / 3]
)
async def test_hashes_of_a_minute_are_exact(
    accounts: AsyncConnection[Any], accepted: float
) -> None:
    found = await rows(accounts, "select hashgauge_hashes(%s::float8)::text", accepted)
    assert found == [(str(round(accepted * 2**32)),)]


async def rows(connection: AsyncConnection[Any], query: str, *values: Any) -> list[Any]:
    return await (await connection.execute(query.encode(), values)).fetchall()


async def transfer(
    connection: AsyncConnection[Any],
    debit: str,
    credit: str,
    amount_sat: int,
    *,
    state: str = "single",
    pending_id: object = None,
) -> object:
    """Between an account of a kind and another; customers are the miner."""
    account = (
        "(select id from ledger_accounts where kind = %s and"
        " (kind <> 'customer' or owner_id = (select id from miners)))"
    )
    transfer_id = uuid4()
    await connection.execute(
        "insert into ledger_transfers (id, debit_account_id, credit_account_id, amount_sat, kind,"
        f" state, pending_id, effective_at) values (%s, {account}, {account}, %s, 'test', %s, %s,"
        " now())".encode(),
        (transfer_id, debit, credit, amount_sat, state, pending_id),
    )
    return transfer_id
