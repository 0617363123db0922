"""Transfers by hand: with a reason, by the internal key, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from query_api.config import AccessConfig
from tests.fixtures.until import until
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import Tree, seed_tree

KEY = {"X-Headframe-API-Key": "internal"}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    async with connected(database_url) as connection:
        yield connection


@pytest.fixture
async def tree(database: asyncpg.Connection) -> Tree:
    return await seed_tree(database)


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    access = AccessConfig(required=True, internal_api_key="internal")
    async with api_client(api_config(database_url, access=access)) as made:
        yield made


def transfer(tree: Tree, **changes: Any) -> dict[str, Any]:
    """A gift of the pool to a miner."""
    return {
        "id": str(uuid4()),
        "debit": {"owner_id": str(tree.pool.uid), "kind": "external"},
        "credit": {"owner_id": str(tree.alpha.uid)},
        "amount": "0.5",
        "reason": "for the outage of Friday",
    } | changes


async def balance_sat(database: asyncpg.Connection, owner_id: int) -> int:
    found: int = await database.fetchval(
        "select credits_sat - debits_sat from ledger_balances join ledger_accounts "
        "on id = account_id where owner_id = $1 and kind = 'customer'",
        owner_id,
    )
    return found


async def test_transfer_is_booked_once_and_shown_to_its_customer(
    client: httpx2.AsyncClient, database: asyncpg.Connection, tree: Tree
) -> None:
    path, body = f"{BASE}/pools/{tree.pool.uid}/transfers", transfer(tree)
    assert (await client.post(path, json=body, headers=KEY)).json()["booked"] is True
    assert (await client.post(path, json=body, headers=KEY)).json()["booked"] is False
    assert await balance_sat(database, tree.alpha.id) == 50_000_000
    rows = await database.fetch("select entity_id, type, direction, description from payments")
    assert [tuple(row) for row in rows] == [
        (tree.alpha.id, "transfer", "incoming", "for the outage of Friday")
    ]
    other = body | {"amount": "0.6"}
    assert (await client.post(path, json=other, headers=KEY)).status_code == 409


async def test_balance_never_goes_below_zero(
    client: httpx2.AsyncClient, database: asyncpg.Connection, tree: Tree
) -> None:
    body = transfer(
        tree,
        debit={"owner_id": str(tree.alpha.uid)},
        credit={"owner_id": str(tree.beta.uid)},
        amount="0.00000001",
    )
    answer = await client.post(f"{BASE}/pools/{tree.pool.uid}/transfers", json=body, headers=KEY)
    assert answer.status_code == 409
    assert await database.fetchval("select count(*) from ledger_transfers") == 0


async def test_who_reads_on_comes_upon_what_two_book_at_once(
    client: httpx2.AsyncClient, database: asyncpg.Connection, tree: Tree
) -> None:
    seen: list[str] = []

    async def read_on() -> None:
        query = {"since": seen[-1] if seen else "2026-01-01"}
        path = f"{BASE}/miners/{tree.alpha.uid}/payments"
        answer = await client.get(path, params=query, headers=KEY)
        seen.extend(each["id"] for each in answer.json()["data"])

    async def booked_or_waits() -> bool:
        waits = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
        return second.done() or await database.fetchval(waits)

    path, body = f"{BASE}/pools/{tree.pool.uid}/transfers", transfer(tree)
    async with database.transaction():
        await database.execute(
            "insert into payments (id, entity_id, type, direction, amount_sat, created_at,"
            " effective_at) values ($1, $2, 'reward', 'incoming', 1, now(), now())",
            uuid4(),
            tree.alpha.id,
        )
        second = asyncio.create_task(client.post(path, json=body, headers=KEY))
        await until(booked_or_waits)
        await read_on()
    assert (await second).status_code == 200
    await read_on()
    assert len(seen) == 2


@pytest.mark.parametrize(
    "amount", ["-1", "0", "1e-3", "NaN", "0.000000001", "99999999", None, True]
)
async def test_amount_that_is_none_is_named(
    client: httpx2.AsyncClient, tree: Tree, amount: Any
) -> None:
    answer = await client.post(
        f"{BASE}/pools/{tree.pool.uid}/transfers", json=transfer(tree, amount=amount), headers=KEY
    )
    assert answer.status_code == 400
    assert "amount" in answer.json()["error"]["message"]


@pytest.mark.parametrize("reason", ["no", "a\x00bc", "two\nlines", "right \u202eto left"])
async def test_a_reason_that_customers_could_not_read_is_named(
    client: httpx2.AsyncClient, tree: Tree, reason: str
) -> None:
    answer = await client.post(
        f"{BASE}/pools/{tree.pool.uid}/transfers", json=transfer(tree, reason=reason), headers=KEY
    )
    assert answer.status_code == 400
    assert "body reason" in answer.json()["error"]["message"]


async def test_nobody_books_by_hand_without_the_key(client: httpx2.AsyncClient, tree: Tree) -> None:
    answer = await client.post(f"{BASE}/pools/{tree.pool.uid}/transfers", json=transfer(tree))
    assert answer.status_code == 401
