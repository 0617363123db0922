"""Estimates of what is not booked yet: the work of a day × the newest rate × who gets which share.

Booked days are left out, so that balance and estimate never count a satoshi twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

from query_api.database import Database
from query_api.store.entities import Entity
from query_api.store.money import fees
from schemas.access import EntityKind
from schemas.money import SAT_PER_BTC
from schemas.runtime.named_sql import load
from schemas.units import HASHES_PER_DIFFICULTY
from schemas.windows import DAY_S

SQL: Final = load("query_api", "sql/money_earnings.sql")


@dataclass(frozen=True, slots=True)
class InProcessing:
    """Satoshi that the work will bring, about."""

    yesterday_sat: int
    today_sat: int


async def in_processing(database: Database, entity: Entity) -> InProcessing:
    """`yesterday` is all that is complete and not booked, so 0 once it is."""
    today = await fees.today(database)
    share = await _share(database, entity)
    is_miner = entity.kind is EntityKind.MINER
    unbooked = await database.fetch(SQL["unbooked_days"], entity.id, is_miner)
    return InProcessing(
        sum([await _day_sat(database, entity, row["day"], share) for row in unbooked]),
        await _day_sat(database, entity, today, share),
    )


async def today_sat(database: Database, entity: Entity) -> int:
    share = await _share(database, entity)
    return await _day_sat(database, entity, await fees.today(database), share)


async def _day_sat(database: Database, entity: Entity, day: date, share: Fraction) -> int:
    rate: Decimal | None = await database.fetch_value(SQL["newest_rate"], day)
    if rate is None:
        return 0
    accepted: float = await database.fetch_value(SQL["work_of"], entity.id, day)
    if entity.kind is EntityKind.MINER:
        accepted -= await database.fetch_value(SQL["given_work_of"], entity.id, day)
    work = max(0, round(accepted * HASHES_PER_DIFFICULTY))
    return int(Fraction(rate) * work * SAT_PER_BTC * share / DAY_S)


async def _share(database: Database, entity: Entity) -> Fraction:
    """A miner gets what pool and operator leave it; they get what they got of the last day."""
    if entity.kind is EntityKind.MINER:
        taken = Fraction(await database.fetch_value(SQL["miner_fee"], entity.id))
        return max(Fraction(0), 1 - taken)
    last = await database.fetch_row(SQL["newest_commissions"], entity.id)
    if last is None:
        return Fraction(await database.fetch_value(SQL["default_fee"], entity.id))
    gross = Fraction(last["hashrate"]) * Fraction(last["rate"]) * SAT_PER_BTC
    return Fraction(last["amount_sat"]) / gross
