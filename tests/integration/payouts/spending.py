"""Whoever has the key spends coins of the wallet without a batch."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.payouts.selection import Output
from aggregator.payouts.wallet import psbt
from aggregator.payouts.wallet.descriptor import WalletDescriptor
from aggregator.payouts.wallet.psbt import Coin
from schemas.addresses.bitcoin import script_of
from tests.integration.payouts.paying_pool import PayingPool, address


async def spend(pool: PayingPool, coins: Sequence[Coin]) -> str:
    """One output to somebody else, the rest stays ours as change."""
    descriptor = WalletDescriptor(pool.config.descriptor, pool.config.network)
    built = psbt.build(
        descriptor,
        coins,
        [Output(script_of(address(7), pool.config.network), 1_000_000)],
        change_index=9,
        fee_rate_sat_vb=5,
        config=pool.config.transaction,
    )
    signed = psbt.read_signed(
        pool.signer.sign(built.psbt), txid=built.txid, config=pool.config.transaction
    )
    pool.node.call("sendrawtransaction", signed.raw.hex())
    return signed.txid
