"""Settings of payouts: amounts in satoshi, times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.addresses.bitcoin import BitcoinNetwork


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """Up to here the service may approve by itself, if `automatic` says so; a person always may."""

    # Off: each list needs a person (owner or admin of the pool, or the internal key).
    automatic: bool = False
    # The largest single payee, batch, and sum of a pool's batches of one UTC day.
    item_sat: int = 10_000_000
    batch_sat: int = 100_000_000
    day_sat: int = 200_000_000

    def beyond(self, *, item_sat: int, batch_sat: int, day_sat: int) -> str | None:
        """Which limit does not allow it; None if all do. `day_sat` includes the batch.

        >>> LimitsConfig().beyond(item_sat=1, batch_sat=100_000_001, day_sat=100_000_001)
        'the batch is 100000001 sat, the limit 100000000'
        """
        for what, amount_sat, limit_sat in (
            ("the largest payee gets", item_sat, self.item_sat),
            ("the batch is", batch_sat, self.batch_sat),
            ("batches of the day are", day_sat, self.day_sat),
        ):
            if amount_sat > limit_sat:
                return f"{what} {amount_sat} sat, the limit {limit_sat}"
        return None


@dataclass(frozen=True, slots=True)
class TransactionConfig:
    """Bounds of the transaction that pays a batch."""

    # The node is asked for a rate that confirms within so many blocks (Bitcoin Core); 0: never.
    confirm_within_blocks: int = 6
    # sat/vB if the node has no such estimate: btcd never has one, Core not at first.
    fee_rate_sat_vb: int = 5
    # Caps: nodes do not refuse a fee that is far too high (btcd accepted 3 BTC).
    max_fee_rate_sat_vb: int = 100
    max_fee_sat: int = 5_000_000
    # Kept back when a batch is proposed, so that the money suffices for its fee as well.
    fee_reserve_sat: int = 500_000
    # Nodes relay at most 100 kvB: about 3,100 native segwit payees.
    max_weight: int = 400_000
    max_payees: int = 2_500


@dataclass(frozen=True, slots=True)
class PayoutsConfig:
    """A pool's wallet, when it pays, and how deep a payment must lie."""

    # Public output descriptor with both branches: wpkh([fingerprint/84h/0h/0h]xpub.../<0;1>/*).
    # Native segwit only. Empty: nothing is paid from here. A private key in it is refused.
    descriptor: str = ""
    # The pool whose wallet this is, by id or title. Empty: the oldest one.
    pool: str = ""
    # mainnet, testnet, signet or regtest: what addresses are checked for.
    network: BitcoinNetwork = BitcoinNetwork.MAINNET
    # The block at which the wallet's first coin may be found; earlier ones are not read.
    first_height: int = 0
    # Addresses beyond the last used one that are watched; as many as wallets look ahead.
    address_gap: int = 25
    # A day's batch is proposed by itself between these hours, UTC; equal: never.
    window_from_hour: int = 11
    window_until_hour: int = 14
    # Confirmations after which a payment is booked for good, and deposits count.
    final_depth: int = 6
    # A coinbase can be spent after this many blocks; consensus, a setting for private chains only.
    maturity: int = 100
    # How often requests are looked for, and the chain: what no node holds is sent again then.
    poll_s: float = 1.0
    watch_s: float = 15.0
    # Beyond the caps below only a person pays.
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    transaction: TransactionConfig = field(default_factory=TransactionConfig)
