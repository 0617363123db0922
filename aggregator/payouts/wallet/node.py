"""What payouts ask of a Bitcoin node, and how its answers are read.

Differences between btcd and Bitcoin Core that matter here:

    getrawtransaction   btcd wants 1, not true; Core without txindex knows the mempool only
    getblock 2          the transactions are `rawtx` in btcd and `tx` in Core
    testmempoolaccept   btcd demands the fee rate, and leaves `allowed` out if it is false
    sendrawtransaction  btcd ignores the limit on the fee: the caps of building are all there is
    estimatesmartfee    Core only; BTC per kvB, left out as long as it has seen too few blocks

Error codes are read for what they say for sure: -5, a look-up found nothing; -27, it is in the
chain. Any other refusal says nothing: a confirmed transaction whose outputs are all spent is taken
for an orphan (-25), like a lost one. So it ends in a look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aggregator.chain.json_rpc import JsonRpc, NodeError, satoshi

_UNKNOWN_TRANSACTION: Final = -5
_IN_CHAIN: Final = -27
# What Core calls a transaction that its mempool or its unspent outputs hold.
_KNOWN: Final = frozenset({"txn-already-in-mempool", "txn-already-known"})
# BTC per kvB; what counts are our own caps. 0 would be btcd's default of 0.1.
_MAX_FEE_RATE: Final = 1


@dataclass(frozen=True, slots=True)
class BlockOutput:
    vout: int
    script: bytes
    amount_sat: int


@dataclass(frozen=True, slots=True)
class BlockTransaction:
    txid: str
    raw: bytes
    coinbase: bool
    spends: tuple[tuple[str, int], ...]
    outputs: tuple[BlockOutput, ...]


class Node:
    """One node; safe to share between tasks."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc

    async def knows(self, txid: str) -> bool:
        """Whether the transaction is in its mempool or its chain."""
        try:
            await self._rpc.call("getrawtransaction", txid, 1)
        except NodeError as error:
            if error.code != _UNKNOWN_TRANSACTION:
                raise
            return False
        return True

    async def refusal(self, raw: bytes) -> str | None:
        """Why its mempool would not take the transaction; None if it would, or if it is there."""
        answers = await self._rpc.call("testmempoolaccept", [raw.hex()], _MAX_FEE_RATE)
        answer: dict[str, Any] = answers[0]
        if answer.get("allowed"):
            return None
        reason = answer.get("reject-reason") or answer.get("package-error") or "not accepted"
        return None if reason in _KNOWN else str(reason)

    async def send(self, raw: bytes) -> None:
        """NodeError if it refuses; one that is in its chain was sent before."""
        try:
            await self._rpc.call("sendrawtransaction", raw.hex())
        except NodeError as error:
            if error.code != _IN_CHAIN:
                raise

    async def estimated_sat_vb(self, within_blocks: int) -> int | None:
        """The fee rate that confirms within so many blocks, rounded up; None if it has none."""
        try:
            answer = await self._rpc.call("estimatesmartfee", within_blocks)
        except NodeError:
            return None
        btc_per_kvb = answer.get("feerate")
        return None if btc_per_kvb is None else -(-satoshi(btc_per_kvb) // 1_000)

    async def unspent_sat(self, points: Sequence[tuple[str, int]]) -> tuple[str, list[int | None]]:
        """The amount of each output that its chain (not its mempool) leaves unspent, and the block
        at which that holds: the one after the last answer, "" if it moved meanwhile."""
        before = await self._rpc.call("getbestblockhash")
        found = await self._rpc.batch([("gettxout", txid, vout, False) for txid, vout in points])
        after = await self._rpc.call("getbestblockhash")
        amounts_sat = [None if one is None else satoshi(one["value"]) for one in found]
        return after if before == after else "", amounts_sat

    async def blocks(self, hashes: Sequence[str]) -> list[list[BlockTransaction]]:
        """Their transactions; NodeError if it does not have one of them."""
        found = await self._rpc.batch([("getblock", block_hash, 2) for block_hash in hashes])
        return [[_transaction(one) for one in block.get("rawtx") or block["tx"]] for block in found]


def _transaction(tx: dict[str, Any]) -> BlockTransaction:
    inputs = tx["vin"]
    return BlockTransaction(
        txid=tx["txid"],
        raw=bytes.fromhex(tx["hex"]),
        coinbase="coinbase" in inputs[0],
        spends=tuple((one["txid"], one["vout"]) for one in inputs if "txid" in one),
        outputs=tuple(
            BlockOutput(one["n"], bytes.fromhex(one["scriptPubKey"]["hex"]), satoshi(one["value"]))
            for one in tx["vout"]
        ),
    )
