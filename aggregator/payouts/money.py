"""Money on hand: what the pool owes, what is on its way, and what its wallet holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from aggregator.payouts.batches import Connection
from aggregator.payouts.wallet.coins import WalletStore
from schemas.runtime.metrics import gauge
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.payouts", "sql/money.sql")
_POCKETS: Final = (
    *("liabilities", "due", "reserved", "promised"),
    *("spendable", "locked", "waiting", "immature"),
)


@dataclass(frozen=True, slots=True)
class MoneyOnHand:
    """All in satoshi."""

    liabilities_sat: int
    """Balances of all customers that are not reserved."""
    due_sat: int
    """Of those: at or above their minimum and with an address in force, so that the next batch
    would pay them."""
    reserved_sat: int
    """In batches that are not final."""
    promised_sat: int
    """Of those: in batches that hold no coins yet."""
    spendable_sat: int
    locked_sat: int
    """Coins that batches hold."""
    waiting_sat: int
    """Coins in blocks that are not deep enough yet."""
    immature_sat: int
    """Coinbases that cannot be spent yet."""
    unaccounted_sat: int
    """The wallet's account less the unspent outputs that stand for it: 0, or somebody must look."""
    fee_reserve_sat: int
    """Kept back for the fee of the next batch."""

    @property
    def shortfall_sat(self) -> int:
        """What the next batch lacks to pay everybody who is due."""
        wanted_sat = self.due_sat + self.promised_sat
        if wanted_sat == 0:
            return 0
        return max(0, wanted_sat + self.fee_reserve_sat - self.spendable_sat)


async def on_hand(
    connection: Connection, wallet: WalletStore, pool_id: int, *, fee_reserve_sat: int
) -> MoneyOnHand:
    """As the database has it now: the coins are those of the last block that was read."""
    coins = await wallet.money(connection)
    return MoneyOnHand(
        **await _row(connection, "liabilities", pool_id),
        spendable_sat=coins["spendable"],
        locked_sat=coins["locked"],
        waiting_sat=coins["waiting"],
        immature_sat=coins["immature"],
        **await _row(connection, "unaccounted", pool_id),
        fee_reserve_sat=fee_reserve_sat,
    )


async def remember(connection: Connection, pool_id: int, money: MoneyOnHand) -> None:
    """As seen now, for those who have no descriptor to look with."""
    parameters = {"pool_id": pool_id, **asdict(money), "shortfall_sat": money.shortfall_sat}
    await connection.execute(_SQL["remember"], parameters)


async def publish(connection: Connection, money: MoneyOnHand) -> None:
    """As metrics, with the batches that need somebody's eye."""
    attention = await _row(connection, "attention", None)
    for kind in _POCKETS:
        gauge("payouts_money_sat").labels(kind).set(getattr(money, f"{kind}_sat"))
    gauge("payouts_shortfall_sat").set(money.shortfall_sat)
    gauge("payouts_unaccounted_sat").set(money.unaccounted_sat)
    gauge("payouts_stopped_batches").set(attention["stopped"])
    gauge("payouts_unconfirmed_seconds").set(attention["unconfirmed_s"])


async def _row(connection: Connection, name: str, pool_id: int | None) -> dict[str, Any]:
    cursor = await connection.execute(_SQL[name], {"pool_id": pool_id})
    row = await cursor.fetchone()
    assert row is not None, "sums have a row"
    return row
