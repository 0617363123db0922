"""Steps 4 and 5: the signed bytes are stored, and then sent.

    4  import     the PSBT that came back makes the txid that was built: raw bytes stored
    5a look up    each version of the batch: known to the node? then it was sent
    5b try        testmempoolaccept
    5c send       sendrawtransaction
    5d look up    after every failure of 5b or 5c: the answer may be lost, another process faster,
                  another version confirmed

The same bytes cannot pay twice, so that each of these may be done again after any crash.
"""

from __future__ import annotations

from typing import Final

import structlog

from aggregator.chain.json_rpc import NodeAwayError, NodeError
from aggregator.payouts import batches
from aggregator.payouts.batches import Actor, Batch, Connection, Version
from aggregator.payouts.config import TransactionConfig
from aggregator.payouts.errors import RefusedError
from aggregator.payouts.states import BatchState, TransactionState
from aggregator.payouts.wallet.node import Node
from aggregator.payouts.wallet.psbt import read_signed
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/batches.sql")
log: Final = structlog.get_logger(__name__)


async def import_signed(
    connection: Connection, batch: Batch, actor: Actor, text: str, config: TransactionConfig
) -> str:
    """Step 4. The newest version gets its bytes; RefusedError for a PSBT of another transaction.

    Bytes that no node has accepted yet may be replaced by others of the same txid: a signer that
    finalises by itself may have got a signature wrong, which only a node notices.
    """
    version = batch.newest
    if version is None or version.state not in (TransactionState.BUILT, TransactionState.SIGNED):
        raise RefusedError(f"the batch is {batch.state}; no version of it waits for a signature")
    signed = read_signed(text, txid=version.txid, config=config)
    await connection.execute(_SQL["store_raw"], {"txid": version.txid, "raw": signed.raw})
    detail = f"{version.txid}, weight {signed.weight}"
    if batch.state == BatchState.BUILT:
        await batches.move(connection, batch, BatchState.SIGNED, actor, detail)
    else:
        await batches.note(connection, batch.id, "import", actor, detail)
    return detail


async def deliver(node: Node, batch: Batch, version: Version) -> Version:
    """Step 5: make sure that the node has the version, or another one of the batch; which one.

    NodeAwayError if it does not answer; NodeError with its reason if it has none and refuses this
    one.
    """
    assert version.raw is not None, "only signed bytes are sent"
    if await node.knows(version.txid):
        return version
    try:
        await _offer(node, version.raw)
    except (NodeError, NodeAwayError) as error:
        log.info("payout_not_accepted", batch=str(batch.id), txid=version.txid, error=str(error))
        found = await known(node, batch)
        if found is None:
            raise
        return found
    return version


async def known(node: Node, batch: Batch) -> Version | None:
    """The version that the node holds, in its mempool or chain; the newest if there are several."""
    for version in reversed(batch.versions):
        if version.raw is not None and await node.knows(version.txid):
            return version
    return None


async def mark_sent(connection: Connection, batch: Batch, version: Version, actor: Actor) -> bool:
    """The node has `version`: older ones are replaced, the batch is broadcast. Whether that is
    new."""
    if version.state in (TransactionState.CONFIRMED, TransactionState.FINAL):
        return False
    new = version.state != TransactionState.BROADCAST
    if new:
        await connection.execute(_SQL["sent"], {"txid": version.txid, "now": actor.now})
        for other in batch.versions:
            if other.txid != version.txid and other.raw is not None:
                await batches.set_version(connection, other.txid, TransactionState.REPLACED)
    if batch.state == BatchState.SIGNED:
        await batches.move(connection, batch, BatchState.BROADCAST, actor, version.txid)
    elif new:
        await batches.note(connection, batch.id, "broadcast", actor, version.txid)
    return new


async def _offer(node: Node, raw: bytes) -> None:
    refusal = await node.refusal(raw)
    if refusal is not None:
        raise NodeError("testmempoolaccept", -26, refusal)
    await node.send(raw)
