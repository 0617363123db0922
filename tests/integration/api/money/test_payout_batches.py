"""Payout batches over HTTP: rights, and steps that the service carries out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx2
import pytest

from deploy.local.btcd.node import BtcdNode
from query_api.config import AccessConfig
from tests.integration.api.client import BASE, api_client, api_config, connected
from tests.integration.api.data import seed_tree
from tests.integration.payouts.checks import assert_books_are_right, assert_paid_once
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool, paying_pool
from tests.integration.payouts.signer import Signer

KEY = {"X-Headframe-API-Key": "internal"}


@pytest.fixture
async def pool(
    database_url: str, btcd: BtcdNode, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PayingPool]:
    signer = Signer(tmp_path_factory.mktemp("signer") / "seed")
    async with paying_pool(database_url, btcd, signer) as made:
        yield made


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    access = AccessConfig(required=True, internal_api_key="internal")
    async with api_client(api_config(database_url, access=access)) as made:
        yield made


async def test_batch_goes_from_the_proposal_to_the_chain(
    pool: PayingPool, client: httpx2.AsyncClient
) -> None:
    await pool.owe(3)
    silent = await pool.miner("silent", address=None)
    await pool.credit(silent, 5_000_000)
    uid = await pool.value("select uid from pools")
    base = f"{BASE}/pools/{uid}/payout-batches"
    async with pool.served():
        proposed = (await client.post(base, headers=KEY)).json()
        assert proposed["outcome"] == "done", proposed
        batch = f"{base}/{proposed['id']}"
        shown = (await client.get(batch, headers=KEY)).json()
        assert [one["reason"] for one in shown["not_paid"]] == ["no-address"]
        approval = {"list_hash": shown["list_hash"]}
        assert (await client.post(f"{batch}/approve", json=approval, headers=KEY)).is_success
        again = await client.post(f"{batch}/approve", json=approval, headers=KEY)
        assert again.status_code == 409
        assert (await client.post(f"{batch}/build", headers=KEY)).is_success
        psbt = (await client.get(f"{batch}/psbt", headers=KEY)).json()["psbt"]
        signed = {"psbt": pool.signer.sign(psbt)}
        assert (await client.post(f"{batch}/psbt", json=signed, headers=KEY)).is_success
        assert (await client.post(f"{batch}/broadcast", headers=KEY)).is_success
    miner = await pool.value("select uid from miners where account_name = 'miner-0001'")
    payments = f"{BASE}/miners/{miner}/payments"
    (sent,) = (await client.get(payments, params={"type": "payout"}, headers=KEY)).json()["data"]
    assert (sent["status"], sent["amount"]) == ("pending", "0.40000001")
    await pool.mine(FINAL_DEPTH)
    (paid,) = (await client.get(payments, params={"type": "payout"}, headers=KEY)).json()["data"]
    (txid,) = await pool.txids(UUID(proposed["id"]))
    assert paid == sent | {"status": "completed"}
    assert paid["metadata"]["tx_hash"] == txid
    span = {"from": "2026-11-19", "to": "2026-11-22"}
    table = (await client.get(f"{payments}/csv", params=span, headers=KEY)).text.splitlines()
    assert table[1] == (
        f"2026-11-20 09:00:00,2026-11-20 09:00:00,payout,BTC,0.40000001,completed,,,{txid}"
    )
    shown = (await client.get(batch, headers=KEY)).json()
    assert (shown["state"], shown["confirmations"]) == ("final", FINAL_DEPTH)
    assert {step["by"] for step in shown["steps"]} == {"internal", "payouts service"}
    listed = (await client.get(base, headers=KEY)).json()
    assert [one["id"] for one in listed["data"]] == [proposed["id"]]
    money = (await client.get(f"{base}/money", headers=KEY)).json()
    # Owed to the one without an address, and so not due.
    assert (money["liabilities"], money["due"]) == ("0.05000000", "0.00000000")
    assert (money["shortfall"], money["unaccounted"]) == ("0.00000000", "0.00000000")
    await assert_paid_once(pool, UUID(proposed["id"]))
    await assert_books_are_right(pool)


async def test_a_signed_psbt_may_be_larger_than_other_bodies(
    database_url: str, client: httpx2.AsyncClient
) -> None:
    async with connected(database_url) as connection:
        tree = await seed_tree(connection)
    batch = f"{BASE}/pools/{tree.pool.uid}/payout-batches/{uuid4()}"
    psbt = {"psbt": "x" * 1_999_999}
    assert (await client.post(f"{batch}/psbt", json=psbt, headers=KEY)).status_code == 404
    for path in (f"{batch}/psbt", f"{batch}/cancel"):
        longer = {"psbt": "x" * 3_000_000, "reason": "x" * 70_000}
        assert (await client.post(path, json=longer, headers=KEY)).status_code == 400


async def test_step_without_a_service_is_written_down_and_waits(
    pool: PayingPool, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("query_api.store.money.payout_batches._WAIT_S", 0.2)
    await pool.owe(1)
    uid = await pool.value("select uid from pools")
    answer = await client.post(f"{BASE}/pools/{uid}/payout-batches", headers=KEY)
    assert (answer.status_code, answer.json()["outcome"]) == (202, None)
    assert await pool.parts.steps.carry_out_all(pool.process, pool.now) == 1
