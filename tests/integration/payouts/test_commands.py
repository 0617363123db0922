"""`hashgauge payouts`, from the proposal to the broadcast, as a person types it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from tests.integration.payouts.checks import assert_books_are_right, assert_paid_once
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool


@pytest.fixture
def configured(pool: PayingPool, monkeypatch: pytest.MonkeyPatch) -> PayingPool:
    monkeypatch.setenv("DATABASE_URL", pool.url)
    monkeypatch.setenv("BITCOIND_RPC_URL", pool.node.rpc_url)
    monkeypatch.setenv("HASHGAUGE_PAYOUTS__DESCRIPTOR", pool.config.descriptor)
    monkeypatch.setenv("HASHGAUGE_CHAIN__NETWORK", "regtest")
    return pool


async def payouts(*arguments: str) -> Result:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["payouts", *arguments])


async def done(*arguments: str) -> str:
    result = await payouts(*arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result.stdout


async def test_person_takes_a_batch_through_all_steps(
    configured: PayingPool, tmp_path: Path
) -> None:
    pool = configured
    await pool.owe(3)
    await done("propose")
    (listed,) = json.loads(await done("list", "--json"))
    batch = listed["id"]
    shown = json.loads(await done("show", batch, "--json"))
    assert [item["payee"] for item in shown["items"]] == ["miner-0000", "miner-0001", "miner-0002"]
    await done("approve", batch, shown["list_hash"])
    await done("build", batch)
    signed = tmp_path / "signed.psbt"
    signed.write_text(pool.signer.sign(await done("psbt", "export", batch)))
    await done("psbt", "import", batch, str(signed))
    assert "broadcast" in await done("broadcast", batch)
    await done("bump", batch, "--fee-rate", "30")
    await pool.mine(FINAL_DEPTH)
    assert "final" in await done("show", batch)
    assert "spendable" in await done("list")
    await assert_paid_once(pool, shown["id"])
    await assert_books_are_right(pool)


async def test_refused_step_ends_with_the_reason(configured: PayingPool) -> None:
    await configured.owe(1)
    batch_id = await configured.propose()
    result = await payouts("build", str(batch_id))
    assert result.exit_code != 0
    assert "the batch is proposed" in str(result.exception) + result.output


async def test_step_without_a_node_is_written_down_for_the_service(
    configured: PayingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BITCOIND_RPC_URL")
    await configured.owe(1)
    assert "will carry it out" in await done("propose")
    steps = configured.parts.steps
    assert await steps.carry_out_all(configured.process, configured.now) == 1
