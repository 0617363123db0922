"""A batch for a thousand payees: proposed, approved, built, imported and booked as final.

`python -m benchmarks.money.bench_payouts` makes a pool and a coin of its own, without a node: what
is measured is our part. The time of the signer, a program of its own, is left out.
"""

from __future__ import annotations

import asyncio
import hashlib
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from embit.script import Script
from embit.transaction import Transaction, TransactionInput, TransactionOutput
from psycopg.rows import dict_row

from aggregator.chain.json_rpc import JsonRpc
from aggregator.payouts import batches, requests, watch
from aggregator.payouts.batches import Actor, Connection
from aggregator.payouts.config import PayoutsConfig, TransactionConfig
from aggregator.payouts.service import PayoutParts, parts
from aggregator.payouts.states import Action, BatchState
from aggregator.payouts.wallet.descriptor import Keychain, WalletDescriptor
from aggregator.payouts.wallet.node import Node
from benchmarks.load.figures_data import server
from benchmarks.results import record
from deploy.database.migrate import migrate
from deploy.local.postgres import EmbeddedPostgres
from schemas.addresses.bitcoin import BitcoinNetwork
from tests.integration.payouts.signer import Signer

PAYEES: Final = 1_000
ROUNDS: Final = 3
COIN_SAT: Final = 100 * 10**8
NOW: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ACTOR: Final = Actor("benchmark", NOW)

_MINERS: Final = """
insert into miners (account_name, pool_id)
select 'miner-' || n, %s from generate_series(1, %s) n
"""
_ADDRESSES: Final = """
insert into wallet_addresses (wallet, address, network, valid_from, created_by)
select wallets.uid, given.address, 'regtest', %s, 'benchmark'
from unnest(%s::text[]) with ordinality given (address, number)
join miners on miners.account_name = 'miner-' || given.number
join wallets on wallets.owner_id = miners.id
"""
_CREDITS: Final = """
insert into ledger_transfers
    (id, debit_account_id, credit_account_id, amount_sat, kind, effective_at)
select gen_random_uuid(), mining.id, customers.id, 1000000, 'reward', now()
from ledger_accounts mining, ledger_accounts customers
join miners on miners.id = customers.owner_id
where mining.kind = 'mining' and customers.kind = 'customer'
"""
_BLOCK: Final = """
insert into chain_blocks
    (height, hash, prev_hash, header_time, median_time, bits, difficulty, subsidy_sat, fee_sat)
select n, 'block-' || n, 'block-' || n - 1, now(), now(), 0, 1, 0, 0
from generate_series(%s::int, %s) n
"""
_SIGHTING: Final = "insert into wallet_sightings (txid, block_hash) values (%s, %s)"
_COIN: Final = """
insert into wallet_coins
    (wallet, txid, vout, amount_sat, keychain, address_index, coinbase, parent)
values (%s, %s, 0, %s, 0, 0, false, %s)
"""


async def seed(connection: Connection, wallet: WalletDescriptor) -> int:
    """The pool's id; every miner is due, and one deep coin pays them all."""
    cursor = await connection.execute("insert into pools (title) values ('Pool') returning id")
    pool_id = (await cursor.fetchone() or {})["id"]
    await connection.execute(_MINERS, (pool_id, PAYEES))
    addresses = [wallet.address(Keychain.INTERNAL, 1_000 + n) for n in range(PAYEES)]
    await connection.execute(_ADDRESSES, (NOW - timedelta(days=1), addresses))
    await connection.execute(_CREDITS)
    await connection.execute(_BLOCK, (1, 10))
    output = TransactionOutput(COIN_SAT, Script(wallet.script(Keychain.EXTERNAL, 0)))
    parent = Transaction(vin=[TransactionInput(hashlib.sha256(b"coin").digest(), 0)], vout=[output])
    txid = parent.txid().hex()
    await connection.execute(_COIN, (wallet.checksum, txid, COIN_SAT, parent.serialize()))
    await connection.execute(_SIGHTING, (txid, "block-1"))
    await connection.execute("analyze")
    return int(pool_id)


async def one_batch(url: str, signer: Signer) -> float:
    """Seconds of our own work."""
    config = PayoutsConfig(
        descriptor=signer.descriptor,
        network=BitcoinNetwork.REGTEST,
        # There is no node to ask.
        transaction=TransactionConfig(confirm_within_blocks=0),
    )
    connecting: Any = psycopg.AsyncConnection.connect(url, row_factory=dict_row, autocommit=True)
    async with await connecting as connection, JsonRpc("http://127.0.0.1:1") as rpc:
        pool_id = await seed(connection, WalletDescriptor(config.descriptor, config.network))
        made = parts(config, Node(rpc), pool_id=pool_id, follow_headers=_stand_still)
        started = time.perf_counter()
        batch_id = await _ask(connection, made, Action.PROPOSE, None)
        async with connection.transaction():
            batch = await batches.locked(connection, batch_id)
        await _ask(connection, made, Action.APPROVE, batch_id, hash=batch.list_hash)
        await _ask(connection, made, Action.BUILD, batch_id)
        async with connection.transaction():
            version = (await batches.locked(connection, batch_id)).newest
        assert version is not None
        taken_s = time.perf_counter() - started
        signed = signer.sign(version.psbt)
        await connection.execute(
            "insert into wallet_sightings values (%s, 'block-11')", (version.txid,)
        )
        await connection.execute(_BLOCK, (11, 20))
        started = time.perf_counter()
        await _ask(connection, made, Action.IMPORT, batch_id, psbt=signed)
        state = await watch.follow_chain(connection, batch_id, ACTOR, final_depth=6)
        taken_s += time.perf_counter() - started
        assert state == BatchState.FINAL
        cursor = await connection.execute(
            "select count(*) as paid from payments where status = 'completed' and type = 'payout'"
        )
        assert await cursor.fetchone() == {"paid": PAYEES}
        return taken_s


async def _ask(
    connection: Connection, made: PayoutParts, action: Action, batch_id: Any, **arguments: Any
) -> Any:
    request_id = await requests.ask(
        connection,
        action,
        pool_id=made.pool_id,
        requested_by="benchmark",
        batch_id=batch_id,
        arguments=arguments,
    )
    answer = await made.steps.carry_out(connection, request_id, NOW)
    assert answer is not None
    assert answer.outcome == "done", answer.message
    return request_id


async def _stand_still(connection: Connection) -> None:
    """The chain is what was seeded."""


def _round(postgres: EmbeddedPostgres, signer: Signer) -> float:
    name = f"payouts_{uuid4().hex[:8]}"
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    migrate(postgres.url(name))
    return asyncio.run(one_batch(postgres.url(name), signer))


def main() -> None:
    """Median of the rounds, into results.json."""
    with server() as postgres, tempfile.TemporaryDirectory() as folder:
        signer = Signer(Path(folder) / "seed")
        taken = [_round(postgres, signer) for _ in range(ROUNDS)]
    value = statistics.median(taken)
    note = f"{PAYEES} payees, propose to final without signer and node, median of {ROUNDS}"
    record("payout_1k_s", value, "s", "", note)
    print(f"payout_1k_s {value:.2f} s ({', '.join(f'{one:.2f}' for one in taken)})")


if __name__ == "__main__":
    main()
