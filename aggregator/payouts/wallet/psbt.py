"""The transaction of a batch: built for a signer elsewhere, and what comes back from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import bdkpython as bdk

from aggregator.payouts.config import TransactionConfig
from aggregator.payouts.errors import RefusedError
from aggregator.payouts.selection import Output
from aggregator.payouts.wallet.descriptor import Keychain, WalletDescriptor

# Signals that a higher fee may replace it (BIP 125).
_REPLACEABLE: Final = 0xFFFFFFFD


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output of the wallet, with the transaction that made it (a signer wants it)."""

    txid: str
    vout: int
    amount_sat: int
    keychain: Keychain
    index: int
    parent: bytes
    cancelled_in: str | None = None
    """A transaction that spends it, of a batch that was cancelled after its PSBT had been built."""


@dataclass(frozen=True, slots=True)
class Built:
    """Unsigned. With native segwit inputs the txid is known already: it covers version, inputs,
    sequences, outputs and lock time, and nothing else."""

    txid: str
    psbt: str
    fee_sat: int
    change_vout: int | None
    """None if the change would have been dust, which goes to the fee."""


@dataclass(frozen=True, slots=True)
class Signed:
    txid: str
    raw: bytes
    weight: int


def build(
    wallet: WalletDescriptor,
    coins: Sequence[Coin],
    outputs: Sequence[Output],
    *,
    change_index: int,
    fee_rate_sat_vb: int,
    config: TransactionConfig,
) -> Built:
    """Spends exactly `coins`: the outputs in their order, then the change.

    RefusedError if it would cost or weigh more than the caps, or if the coins do not suffice.
    """
    if not 1 <= fee_rate_sat_vb <= config.max_fee_rate_sat_vb:
        raise RefusedError(
            f"a fee rate of {fee_rate_sat_vb} sat/vB is not within 1 to "
            f"{config.max_fee_rate_sat_vb}, the cap"
        )
    builder = (
        bdk.TxBuilder()
        .set_recipients(
            [
                bdk.ScriptAmount(script=bdk.Script(one.script), amount=_amount(one.amount_sat))
                for one in outputs
            ]
        )
        .add_utxos([_outpoint(coin) for coin in coins])
        .manually_selected_only()
        .drain_to(bdk.Script(wallet.script(Keychain.INTERNAL, change_index)))
        .ordering(bdk.TxOrdering.UNTOUCHED)
        .set_exact_sequence(_REPLACEABLE)
        # A height would not be final any more after a reorganisation to a lower one.
        .nlocktime(bdk.LockTime.BLOCKS(0))
        .fee_rate(bdk.FeeRate.from_sat_per_vb(fee_rate_sat_vb))
    )
    try:
        psbt = builder.finish(_bdk_wallet(wallet, coins, change_index))
    except bdk.CreateTxError as error:
        raise RefusedError(
            f"no transaction can be built: {error or type(error).__name__}"
        ) from None
    built = _described(psbt, len(outputs))
    if built.fee_sat > config.max_fee_sat:
        raise RefusedError(
            f"the fee would be {built.fee_sat} sat, above the cap of {config.max_fee_sat}"
        )
    return built


def read_signed(text: str, *, txid: str, config: TransactionConfig) -> Signed:
    """The final transaction in a PSBT that came back; RefusedError if it is not `txid`, if
    signatures are missing or wrong, or if it is too heavy to be relayed."""
    try:
        psbt = bdk.Psbt("".join(text.split()))
        theirs = str(psbt.extract_tx_unchecked_fee_rate().compute_txid())
    except (bdk.PsbtParseError, bdk.ExtractTxError) as error:
        raise RefusedError(f"not a PSBT: {type(error).__name__}") from None
    if theirs != txid:
        raise RefusedError(
            f"this PSBT makes transaction {theirs}, and what was built is {txid}: "
            "inputs or outputs differ"
        )
    final = psbt.finalize()
    if not final.could_finalize:
        reasons = "; ".join(str(error) for error in final.errors or ())
        raise RefusedError(f"signatures are missing or wrong: {reasons[:300]}")
    transaction = final.psbt.extract_tx_unchecked_fee_rate()
    if transaction.weight() > config.max_weight:
        raise RefusedError(
            f"it weighs {transaction.weight()}, and nodes relay {config.max_weight} at most"
        )
    return Signed(txid, bytes(transaction.serialize()), transaction.weight())


def _bdk_wallet(wallet: WalletDescriptor, coins: Sequence[Coin], change_index: int) -> bdk.Wallet:
    """Knows the coins from their parents alone. It takes them for unconfirmed: their maturity was
    checked before."""
    lookahead = max(change_index, *(coin.index for coin in coins)) + 1
    persister = bdk.Persister.new_in_memory()
    made = bdk.Wallet(*wallet.branches, wallet.network, persister, lookahead)
    parents = {coin.txid: coin.parent for coin in coins}
    made.apply_unconfirmed_txs(
        [bdk.UnconfirmedTx(tx=bdk.Transaction(raw), last_seen=0) for raw in parents.values()]
    )
    return made


def _described(psbt: bdk.Psbt, payees: int) -> Built:
    transaction = psbt.extract_tx_unchecked_fee_rate()
    change = payees if len(transaction.output()) > payees else None
    return Built(str(transaction.compute_txid()), psbt.serialize(), psbt.fee(), change)


def _amount(amount_sat: int) -> bdk.Amount:
    return bdk.Amount.from_sat(amount_sat)


def _outpoint(coin: Coin) -> bdk.OutPoint:
    return bdk.OutPoint(txid=bdk.Txid.from_string(coin.txid), vout=coin.vout)
