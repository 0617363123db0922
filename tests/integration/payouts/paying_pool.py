"""A pool that pays on a real node: btcd, PostgreSQL, and a signer that is a program of its own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import bdkpython as bdk
import psycopg
from psycopg.rows import dict_row

from aggregator.chain.config import ChainConfig
from aggregator.chain.follow import follow
from aggregator.chain.json_rpc import JsonRpc
from aggregator.chain.source import NodeSource
from aggregator.payouts import requests
from aggregator.payouts.config import PayoutsConfig, TransactionConfig
from aggregator.payouts.requests import Answer
from aggregator.payouts.service import PayoutParts, PayoutService, parts
from aggregator.payouts.states import Action
from aggregator.payouts.wallet.descriptor import Keychain, WalletDescriptor
from aggregator.payouts.wallet.node import Node
from deploy.database.roles import AGGREGATOR
from deploy.local.btcd.node import MINING_ADDRESS, BtcdNode
from schemas.addresses.bitcoin import BitcoinNetwork
from schemas.runtime.clock import ManualClock
from tests.fixtures.postgres import under
from tests.integration.payouts.signer import Signer

NOON = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""Before the window opens, so that nothing is proposed by itself."""
FINAL_DEPTH = 6
AMOUNT_SAT = 40_000_000


@dataclass
class PayingPool:
    """Drives the service by hand: one look at a time."""

    url: str
    node: BtcdNode
    signer: Signer
    config: PayoutsConfig
    parts: PayoutParts
    service: PayoutService
    process: psycopg.AsyncConnection[dict[str, Any]]
    """The service's, under its role."""
    connection: psycopg.AsyncConnection[dict[str, Any]]
    clock: ManualClock
    pool_id: int

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Requests are carried out meanwhile, as by the service's own process."""

        stop = asyncio.Event()

        async def serve() -> None:
            while not stop.is_set():
                await self.parts.steps.carry_out_all(self.process, self.now)
                await asyncio.sleep(0.02)

        running = asyncio.create_task(serve())
        try:
            yield
        finally:
            stop.set()
            await running

    async def mine(self, count: int = 1) -> None:
        """Blocks, and one look at them."""
        self.node.mine(count)
        await self.follow()

    async def mine_for_others(self) -> None:
        """From here on blocks pay somebody else: a block that falls out of the chain takes no
        deposit with it."""
        blocks = self.node.raw_blocks()
        self.node.stop()
        self.node.mining_address = MINING_ADDRESS["regtest"]
        self.node.start()
        self.node.submit(blocks)

    async def follow(self) -> None:
        await self.service.follow(self.process)

    async def request(self, action: Action, batch_id: UUID | None, **arguments: Any) -> UUID:
        """Written down, as by a click; carried out by whoever looks."""
        return await requests.ask(
            self.connection,
            action,
            pool_id=self.pool_id,
            requested_by="boss@pool",
            batch_id=batch_id,
            arguments=arguments,
        )

    async def ask(self, action: Action, batch_id: UUID | None = None, **arguments: Any) -> Answer:
        self.last_request = await self.request(action, batch_id, **arguments)
        answer = await self.parts.steps.carry_out(self.process, self.last_request, self.now)
        assert answer is not None
        return answer

    async def do(self, action: Action, batch_id: UUID | None = None, **arguments: Any) -> str:
        answer = await self.ask(action, batch_id, **arguments)
        assert answer.outcome == "done", answer
        return answer.message

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now_ms() / 1_000, UTC)

    async def propose(self) -> UUID:
        await self.do(Action.PROPOSE)
        return self.last_request

    async def approve(self, batch_id: UUID) -> str:
        found = await self.value("select list_hash from payout_batches where id = %s", batch_id)
        return await self.do(Action.APPROVE, batch_id, hash=found)

    async def sign(self, batch_id: UUID) -> str:
        """The newest version's PSBT, signed elsewhere."""
        return self.signer.sign(
            await self.value(
                "select psbt from payout_transactions where batch_id = %s and state = 'built' "
                "order by version desc limit 1",
                batch_id,
            )
        )

    async def signed_batch(self) -> UUID:
        batch_id = await self.propose()
        await self.approve(batch_id)
        await self.do(Action.BUILD, batch_id)
        await self.do(Action.IMPORT, batch_id, psbt=await self.sign(batch_id))
        return batch_id

    async def broadcast_batch(self) -> UUID:
        batch_id = await self.signed_batch()
        await self.do(Action.BROADCAST, batch_id)
        return batch_id

    async def state(self, batch_id: UUID) -> str:
        return str(await self.value("select state from payout_batches where id = %s", batch_id))

    async def stopped(self, batch_id: UUID) -> str | None:
        return await self.value("select stopped from payout_batches where id = %s", batch_id)

    async def txids(self, batch_id: UUID) -> list[str]:
        rows = await self.rows(
            "select txid from payout_transactions where batch_id = %s order by version", batch_id
        )
        return [row["txid"] for row in rows]

    async def raw(self, txid: str) -> str:
        raw = await self.value("select raw from payout_transactions where txid = %s", txid)
        return bytes(raw).hex()

    async def value(self, sql: str, *values: Any) -> Any:
        rows = await self.rows(sql, *values)
        return next(iter(rows[0].values())) if rows else None

    async def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        cursor = await self.connection.execute(sql, values)
        return await cursor.fetchall()

    async def owe(self, count: int, *, first: int = 0, amount_sat: int = AMOUNT_SAT) -> list[int]:
        """So many miners with an address of their own and something due."""
        ids = []
        for number in range(first, first + count):
            miner_id = await self.miner(f"miner-{number:04}", address=address(number))
            await self.credit(miner_id, amount_sat + number)
            ids.append(miner_id)
        return ids

    async def miner(self, name: str, *, address: str | None) -> int:
        miner_id: int = await self.value(
            "insert into miners (account_name, pool_id) values (%s, %s) returning id",
            name,
            self.pool_id,
        )
        if address is not None:
            await self.rows_of(
                "insert into wallet_addresses (wallet, address, network, valid_from, created_by) "
                "select uid, %s, 'regtest', %s, 'test' from wallets where owner_id = %s",
                address,
                self.now - timedelta(days=1),
                miner_id,
            )
        return miner_id

    async def rows_of(self, sql: str, *values: Any) -> None:
        await self.connection.execute(sql, values)

    async def credit(self, entity_id: int, amount_sat: int) -> None:
        await self.rows_of(
            "insert into ledger_transfers (id, debit_account_id, credit_account_id, amount_sat, "
            "kind, effective_at) select %s, mining.id, customer.id, %s, 'reward', %s "
            "from ledger_accounts mining, ledger_accounts customer where mining.owner_id = %s "
            "and mining.kind = 'mining' and customer.owner_id = %s and customer.kind = 'customer'",
            uuid4(),
            amount_sat,
            self.now,
            self.pool_id,
            entity_id,
        )

    async def balance_sat(self, entity_id: int) -> int:
        balance: int = await self.value(
            "select credits_sat - debits_sat - pending_debits_sat from ledger_balances "
            "join ledger_accounts on id = account_id where owner_id = %s and kind = 'customer'",
            entity_id,
        )
        return balance

    def paid_on_chain(self) -> dict[str, list[int]]:
        """Script → amounts of all outputs in the node's chain that are not to our wallet."""
        found: dict[str, list[int]] = {}
        for height in range(1, self.node.call("getblockcount") + 1):
            block = self.node.call("getblock", self.node.call("getblockhash", height), 2)
            for transaction in block["rawtx"][1:]:
                for output in transaction["vout"]:
                    script = output["scriptPubKey"]["hex"]
                    found.setdefault(script, []).append(int(output["value"] * 10**8))
        return found


def address(number: int) -> str:
    """Five kinds of address, by turns."""
    digest = hashlib.sha256(b"payee %d" % number).digest()
    script = (
        b"\x00\x14" + digest[:20],
        b"\x76\xa9\x14" + digest[:20] + b"\x88\xac",
        b"\xa9\x14" + digest[:20] + b"\x87",
        b"\x00\x20" + digest,
        b"\x51\x20" + _x_only_key(number),
    )[number % 5]
    return str(bdk.Address.from_script(bdk.Script(script), bdk.Network.REGTEST))


def _x_only_key(number: int) -> bytes:
    return hashlib.sha256(b"key %d" % number).digest()


def another_service(pool: PayingPool, **changes: Any) -> PayoutService:
    """Beside the pool's own, with other settings."""
    config = replace(pool.config, **changes)
    return PayoutService(config, pool.parts, None, pool.clock)  # type: ignore[arg-type]


def config_of(signer: Signer, **changes: Any) -> PayoutsConfig:
    return PayoutsConfig(
        descriptor=signer.descriptor,
        network=BitcoinNetwork.REGTEST,
        final_depth=FINAL_DEPTH,
        transaction=TransactionConfig(**changes),
    )


@asynccontextmanager
async def paying_pool(
    url: str, node: BtcdNode, signer: Signer, *, blocks: int = 108
) -> AsyncIterator[PayingPool]:
    """A pool whose wallet has mined `blocks`: from the 101st on each makes 50 BTC spendable."""
    config = config_of(signer)
    wallet = WalletDescriptor(config.descriptor, config.network)
    node.mining_address = wallet.address(Keychain.EXTERNAL, 0)
    node.stop()
    node.start()
    node.mine(blocks)
    clock = ManualClock(round(NOON.timestamp() * 1_000))
    opened: list[Any] = [
        psycopg.AsyncConnection.connect(address, row_factory=dict_row, autocommit=True)
        for address in (url, under(AGGREGATOR, url))
    ]
    async with (
        JsonRpc(node.rpc_url, timeout_s=5.0) as rpc,
        await opened[0] as connection,
        await opened[1] as process,
    ):
        cursor = await connection.execute(
            "insert into pools (title) values ('Paying pool') returning id"
        )
        pool_id = (await cursor.fetchone())["id"]
        source, chain = NodeSource(rpc), ChainConfig(network=BitcoinNetwork.REGTEST)
        made = parts(
            config,
            Node(rpc),
            pool_id=pool_id,
            follow_headers=lambda one: follow(one, source, chain),
        )
        service = PayoutService(config, made, None, clock)  # type: ignore[arg-type]
        pool = PayingPool(
            url, node, signer, config, made, service, process, connection, clock, pool_id
        )
        await pool.follow()
        yield pool
