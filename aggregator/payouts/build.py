"""Step 3, build: a PSBT from the wallet's coins; and fee bumps, which are built the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aggregator.payouts import batches
from aggregator.payouts.batches import Actor, Batch, Connection
from aggregator.payouts.config import TransactionConfig
from aggregator.payouts.errors import RefusedError
from aggregator.payouts.selection import Output, outputs_of
from aggregator.payouts.states import BatchState
from aggregator.payouts.wallet import psbt
from aggregator.payouts.wallet.coins import WalletStore
from aggregator.payouts.wallet.descriptor import WalletDescriptor
from aggregator.payouts.wallet.node import Node
from aggregator.payouts.wallet.psbt import Built, Coin
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/batches.sql")
# Version, counts, lock time and the segwit marker; then the change.
_OVERHEAD_VB: Final = 12
_OUTPUT_VB: Final = 9
_CHANGE_VB: Final = 43
# Nodes replace a transaction only by one that pays this much more for each of its bytes.
_BUMP_SAT_VB: Final = 1


class Builder:
    """Builds the versions of a batch."""

    def __init__(
        self,
        node: Node,
        wallet: WalletStore,
        descriptor: WalletDescriptor,
        config: TransactionConfig,
    ) -> None:
        self._node = node
        self._wallet = wallet
        self._descriptor = descriptor
        self._config = config

    async def build(self, connection: Connection, batch: Batch, actor: Actor) -> str:
        """RefusedError if the coins do not suffice; the batch stays approved then. NodeAwayError if
        the node is not there for its estimate of the fee."""
        batch.require(BatchState.APPROVED)
        outputs = outputs_of(await batches.items(connection, batch.id))
        rate = await self._rate_sat_vb()
        coins = choose(
            await self._wallet.spendable(connection),
            needed_sat=sum(one.amount_sat for one in outputs) + self.output_fee_sat(outputs, rate),
            input_fee_sat=rate * self._descriptor.input_vb,
        )
        built = await self._store(connection, batch, coins, outputs, rate)
        detail = f"{built.txid}, {len(coins)} inputs, fee {built.fee_sat} sat at {rate} sat/vB"
        await batches.move(connection, batch, BatchState.BUILT, actor, detail)
        return detail

    async def bump(self, connection: Connection, batch: Batch, actor: Actor, rate: int) -> str:
        """A further version with a higher fee: same payees, all inputs that are still ours.

        An earlier version shares an input with it, or has lost all of them to transactions of
        others that are final: so at most one version can be in the chain.
        """
        batch.require(BatchState.SIGNED, BatchState.BROADCAST)
        before = batch.signed
        assert before is not None, "a signed batch has bytes"
        await connection.execute(_SQL["cancel_unsigned"], {"batch_id": batch.id})
        outputs = outputs_of(await batches.items(connection, batch.id))
        kept = await self._wallet.coins_of(connection, batch.id)
        coins = self._with_more(kept, await self._wallet.spendable(connection), outputs, rate)
        built = await self._store(connection, batch, coins, outputs, rate)
        least_sat = before.fee_sat + _BUMP_SAT_VB * self.size_vb(coins, outputs)
        if built.fee_sat < least_sat:
            raise RefusedError(
                f"{rate} sat/vB makes a fee of {built.fee_sat} sat; nodes replace version "
                f"{before.number} for {least_sat} sat or more"
            )
        detail = f"{built.txid}, fee {built.fee_sat} instead of {before.fee_sat} sat"
        await batches.note(connection, batch.id, "bump", actor, detail)
        return detail

    async def _rate_sat_vb(self) -> int:
        """The node's estimate up to the cap, else the setting."""
        blocks = self._config.confirm_within_blocks
        estimated = await self._node.estimated_sat_vb(blocks) if blocks else None
        if estimated is None:
            return self._config.fee_rate_sat_vb
        return max(1, min(estimated, self._config.max_fee_rate_sat_vb))

    def output_fee_sat(self, outputs: Sequence[Output], rate: int) -> int:
        """What everything but the inputs costs."""
        size = sum(_OUTPUT_VB + len(one.script) for one in outputs)
        return rate * (_OVERHEAD_VB + _CHANGE_VB + size)

    def size_vb(self, coins: Sequence[Coin], outputs: Sequence[Output]) -> int:
        """An upper bound."""
        return self.output_fee_sat(outputs, 1) + len(coins) * self._descriptor.input_vb

    def _with_more(
        self,
        kept: Sequence[Coin],
        spendable: Sequence[Coin],
        outputs: Sequence[Output],
        rate: int,
    ) -> list[Coin]:
        """Further coins only if the fee needs them."""
        input_fee_sat = rate * self._descriptor.input_vb
        needed_sat = sum(one.amount_sat for one in outputs) + self.output_fee_sat(outputs, rate)
        missing_sat = needed_sat - sum(one.amount_sat - input_fee_sat for one in kept)
        if missing_sat <= 0:
            return list(kept)
        more = choose(spendable, needed_sat=missing_sat, input_fee_sat=input_fee_sat)
        return [*kept, *more]

    async def _store(
        self,
        connection: Connection,
        batch: Batch,
        coins: Sequence[Coin],
        outputs: Sequence[Output],
        rate: int,
    ) -> Built:
        change_index = await self._wallet.next_change_index(connection)
        built = psbt.build(
            self._descriptor,
            coins,
            outputs,
            change_index=change_index,
            fee_rate_sat_vb=rate,
            config=self._config,
        )
        points = [{"txid": coin.txid, "vout": coin.vout} for coin in coins]
        async with connection.cursor() as cursor:
            await cursor.executemany(
                _SQL["lock_coin"], [one | {"batch_id": batch.id} for one in points]
            )
            await cursor.execute(_SQL["insert_version"], _row(batch, built, rate, change_index))
            await cursor.executemany(
                _SQL["insert_version_input"],
                [one | {"version_txid": built.txid} for one in points],
            )
        return built


def choose(coins: Sequence[Coin], *, needed_sat: int, input_fee_sat: int) -> list[Coin]:
    """As few coins as pay `needed_sat` and their own fees: the largest first.

    One coin of each cancelled transaction comes before: somebody may have signed that one, and it
    can never be in the chain beside a transaction that spends the same coin. RefusedError if all of
    them do not suffice.
    """
    first = {coin.cancelled_in: coin for coin in coins if coin.cancelled_in is not None}
    chosen = list({(coin.txid, coin.vout): coin for coin in first.values()}.values())
    rest = [coin for coin in coins if coin not in chosen]
    value_sat = sum(coin.amount_sat - input_fee_sat for coin in chosen)
    for coin in sorted(rest, key=lambda one: -one.amount_sat):
        if value_sat >= needed_sat:
            break
        chosen.append(coin)
        value_sat += coin.amount_sat - input_fee_sat
    if value_sat < needed_sat:
        raise RefusedError(f"the wallet lacks {needed_sat - value_sat} sat that can be spent now")
    return chosen


def _row(batch: Batch, built: Built, rate: int, change_index: int) -> dict[str, Any]:
    return {
        "txid": built.txid,
        "batch_id": batch.id,
        "version": len(batch.versions) + 1,
        "psbt": built.psbt,
        "fee_sat": built.fee_sat,
        "fee_rate_sat_vb": rate,
        "change_vout": built.change_vout,
        "change_index": change_index,
    }
