"""The pool's coins: read from the blocks of our own header chain, each block once.

A row says what a block holds, which never changes. Whether that block is in the chain is asked of
`chain_blocks` each time, so that a reorganisation needs nothing here but reading the new blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from psycopg import AsyncConnection

from aggregator.chain.json_rpc import NodeError
from aggregator.payouts.wallet.descriptor import Keychain, WalletDescriptor
from aggregator.payouts.wallet.node import BlockTransaction, Node
from aggregator.payouts.wallet.psbt import Coin
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/wallet.sql")
# Read at once: so many blocks, or so many transactions by the size of the last ones. A full block
# of the main net is 3,000 transactions and 60 MB of Python objects.
_BLOCKS: Final = 50
_TRANSACTIONS: Final = 5_000
log: Final = structlog.get_logger(__name__)

Connection = AsyncConnection[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class WalletPolicy:
    """When a coin counts."""

    first_height: int
    address_gap: int
    final_depth: int
    maturity: int


class WalletStore:
    """Reads and keeps the coins of one descriptor. Not thread-safe: one task owns it."""

    def __init__(self, descriptor: WalletDescriptor, policy: WalletPolicy) -> None:
        self._descriptor = descriptor
        self._policy = policy

    async def follow(self, connection: Connection, node: Node) -> int:
        """Read the blocks that are new to us; how many there were.

        Stops early if the node no longer has one: the chain moved, and the next call goes on.
        """
        await self._watch_used(connection)
        read, at_once = 0, 1
        while waiting := await self._unread(connection, at_once):
            try:
                blocks = dict(zip(waiting, await node.blocks(waiting), strict=True))
            except NodeError as error:
                log.info("wallet_waits_for_chain", error=error.message)
                return read
            async with connection.transaction():
                await self._keep(connection, blocks)
            read += len(blocks)
            largest = max(len(transactions) for transactions in blocks.values())
            at_once = max(1, min(_BLOCKS, _TRANSACTIONS // largest))
        return read

    async def spendable(self, connection: Connection) -> list[Coin]:
        """Mature, as deep as a final payment, not spent, in no live batch; oldest first."""
        return [_coin(row) for row in await _rows(connection, "spendable", self._parameters())]

    async def coins_of(self, connection: Connection, batch_id: object) -> list[Coin]:
        """The coins that a batch holds; each as long as nobody else's transaction, final by now,
        spent it."""
        rows = await _rows(connection, "coins_of", {"batch_id": batch_id, **self._parameters()})
        return [_coin(row) for row in rows]

    async def next_change_index(self, connection: Connection) -> int:
        rows = await _rows(connection, "next_change_index", self._parameters())
        index: int = rows[0]["next_index"]
        return index

    async def money(self, connection: Connection) -> dict[str, int]:
        """Sums of the wallet in satoshi: `spendable`, `locked`, `waiting` (too young), `immature`
        coinbases, and `booked`: what final transactions left."""
        rows = await _rows(connection, "money", self._parameters())
        return rows[0]

    async def unbooked_deposits(self, connection: Connection) -> Sequence[dict[str, Any]]:
        """Coins that came from outside, as deep as final, that the ledger does not know yet."""
        return await _rows(connection, "unbooked_deposits", self._parameters())

    def _parameters(self) -> dict[str, Any]:
        return {
            "wallet": self._descriptor.checksum,
            "first_height": self._policy.first_height,
            "final_depth": self._policy.final_depth,
            "maturity": self._policy.maturity,
        }

    async def _unread(self, connection: Connection, limit: int) -> list[str]:
        rows = await _rows(connection, "unread_blocks", self._parameters() | {"limit": limit})
        return [row["hash"] for row in rows]

    async def _watch_used(self, connection: Connection) -> None:
        used = dict.fromkeys(Keychain, 0)
        for row in await _rows(connection, "used_indices", self._parameters()):
            used[Keychain(row["keychain"])] = row["count"]
        for keychain, count in used.items():
            self._descriptor.watch_to(keychain, count + self._policy.address_gap)

    async def _keep(
        self, connection: Connection, blocks: Mapping[str, Sequence[BlockTransaction]]
    ) -> None:
        """What these blocks, in the order of the chain, say of the wallet."""
        whole = [one for transactions in blocks.values() for one in transactions]
        ours = await self._own_coins(connection, whole)
        coins, spends, sightings = [], [], []
        for block_hash, transactions in blocks.items():
            for one in transactions:
                found = self._outputs(one)
                spent = [point for point in one.spends if point in ours]
                ours |= {(row["txid"], row["vout"]) for row in found}
                coins += found
                spends += [{"txid": t, "vout": n, "spent_by": one.txid} for t, n in spent]
                if found or spent:
                    sightings.append({"txid": one.txid, "block_hash": block_hash})
        parameters = self._parameters()
        read = [parameters | {"block_hash": block_hash} for block_hash in blocks]
        async with connection.cursor() as cursor:
            for name, rows in (
                ("see", sightings),
                ("keep_coin", [parameters | row for row in coins]),
                ("keep_spend", spends),
                ("mark_read", read),
            ):
                if rows:
                    await cursor.executemany(_SQL[name], rows)

    async def _own_coins(
        self, connection: Connection, transactions: Iterable[BlockTransaction]
    ) -> set[tuple[str, int]]:
        spent = {txid for one in transactions for txid, _ in one.spends}
        parameters = self._parameters() | {"txids": list(spent)}
        rows = await _rows(connection, "own_coins", parameters)
        return {(row["txid"], row["vout"]) for row in rows}

    def _outputs(self, transaction: BlockTransaction) -> list[dict[str, Any]]:
        rows = []
        for output in transaction.outputs:
            place = self._descriptor.place_of(output.script)
            if place is None:
                continue
            self._descriptor.watch_to(place.keychain, place.index + 1 + self._policy.address_gap)
            rows.append(
                {
                    "txid": transaction.txid,
                    "vout": output.vout,
                    "amount_sat": output.amount_sat,
                    "keychain": int(place.keychain),
                    "address_index": place.index,
                    "coinbase": transaction.coinbase,
                    "parent": transaction.raw,
                }
            )
        return rows


def _coin(row: dict[str, Any]) -> Coin:
    return Coin(
        txid=row["txid"],
        vout=row["vout"],
        amount_sat=row["amount_sat"],
        keychain=Keychain(row["keychain"]),
        index=row["address_index"],
        parent=bytes(row["parent"]),
        cancelled_in=row.get("cancelled_in"),
    )


async def _rows(
    connection: Connection, name: str, parameters: dict[str, Any]
) -> list[dict[str, Any]]:
    cursor = await connection.execute(_SQL[name], parameters)
    return await cursor.fetchall()
