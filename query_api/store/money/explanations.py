"""From a payment to what it is made of: the settled day, its workers, its schedule entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final

import orjson

from query_api.database import Database, Row
from query_api.money.comparison import DayFactors
from query_api.store.money import rates
from schemas.money import SAT_PER_BTC
from schemas.runtime.named_sql import load
from schemas.windows import DAY_S

SQL: Final = load("query_api", "sql/money_explanations.sql")
MINUTES_A_DAY: Final = DAY_S // 60


@dataclass(frozen=True, slots=True)
class SettledDay:
    """A miner's day in one version.

    lines      gross and deductions: {"line", "about", "parts", "sat"}, some with "entry"
    entries    schedule entries by id
    sides      (line, about) → who is on the other side
    workers    a page of the work behind it; workers_total counts all
    """

    row: Row
    rate: Row
    lines: Sequence[Mapping[str, Any]]
    capped: bool
    entries: Mapping[int, Row]
    sides: Mapping[tuple[str, int], Row]
    workers: Sequence[Row]
    workers_total: int


async def settled_day(
    database: Database, miner_id: int, day: date, version: int, *, limit: int, offset: int
) -> SettledDay | None:
    """None if the miner was not settled itself that day: it only received something."""
    row = await database.fetch_row(SQL["settled_day"], miner_id, day, version)
    rate = await rates.rate(database, day)
    if row is None or rate is None:
        return None
    explained = orjson.loads(row["explained"])
    lines = explained["lines"]
    workers = await database.fetch(SQL["settled_workers"], miner_id, day, version, limit, offset)
    return SettledDay(
        row,
        rate,
        lines,
        bool(explained["capped"]),
        await _entries(database, lines),
        await _sides(database, lines),
        [worker for worker in workers if worker["uid"] is not None],
        workers[0]["total_count"],
    )


async def entity(database: Database, entity_id: int) -> Row | None:
    return await database.fetch_row(SQL["entity"], entity_id)


async def day_before(database: Database, miner_id: int, day: date) -> date | None:
    before: date | None = await database.fetch_value(SQL["day_before"], miner_id, day)
    return before


async def day_factors(database: Database, miner_id: int, day: date) -> DayFactors | None:
    """None for a day that is not settled."""
    row = await database.fetch_row(SQL["day_factors"], miner_id, day)
    if row is None:
        return None
    work, rejected = int(row["work"]), int(row["rejected_work"] or 0)
    submitted = work + rejected
    possible = (row["workers"] or 0) * MINUTES_A_DAY
    gross_sat = row["gross_sat"]
    return DayFactors(
        submitted=submitted,
        uptime=Fraction(int(row["minutes"] or 0), possible) if possible else Fraction(1),
        rejects=Fraction(rejected, submitted) if submitted else Fraction(0),
        base_rate=Fraction(row["subsidy_rate"]) * SAT_PER_BTC / DAY_S,
        network_fees=Fraction(row["fee_ratio"]),
        commission=Fraction(gross_sat - row["reward_sat"], gross_sat) if gross_sat else Fraction(0),
        reward_sat=row["reward_sat"],
        transfers_sat=row["transfers_sat"],
    )


async def _entries(database: Database, lines: Sequence[Mapping[str, Any]]) -> Mapping[int, Row]:
    ids = [line["entry"] for line in lines if line.get("entry") is not None]
    rows = await database.fetch(SQL["fee_entries"], ids) if ids else ()
    return {row["id"]: row for row in rows}


async def _sides(
    database: Database, lines: Sequence[Mapping[str, Any]]
) -> Mapping[tuple[str, int], Row]:
    gifts = [line["about"] for line in lines if line["line"] in ("gift", "gift_fee")]
    sharings = [line["about"] for line in lines if line["line"] == "sharing"]
    rows = await database.fetch(SQL["sides"], gifts, sharings) if gifts or sharings else ()
    return {(row["line"], row["about"]): row for row in rows}
