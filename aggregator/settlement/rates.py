"""Rates of days: made from our header chain, or entered by a person; kept with their blocks."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from aggregator.settlement.config import SettlementConfig
from aggregator.settlement.freeze import bounds
from aggregator.settlement.rate import (
    Block,
    DayRate,
    NoBlocksError,
    Scheme,
    cut,
    day_rate,
    given_rate,
)
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.settlement", "sql/rates.sql")
_CHAIN: Final = load("aggregator.chain", "sql/chain.sql")

Connection = AsyncConnection[Any]


async def make_rate(
    connection: Connection, day: date, config: SettlementConfig, *, now: datetime
) -> str | None:
    """The day's rate is there, if it was not; else for what it waits."""
    if await _rows(connection, _SQL["known"], {"day": day}):
        return None
    scheme = config.scheme_of(day)
    if scheme is Scheme.GIVEN:
        return f"a rate for {day}: hashgauge rates set {day} BTC_PER_TH"
    start, end = bounds(day)
    newest = await _rows(connection, _CHAIN["newest"], {})
    if not newest:
        return f"blocks of {day}: no node has been read (BITCOIND_RPC_URL)"
    blocks = await _blocks(connection, "between", {"start": start, "end": end})
    top, median_time = newest[0]
    if median_time < end:
        return f"the chain, which is at {median_time:%Y-%m-%d %H:%M} UTC"
    if not blocks:
        return f"blocks of {day}: the chain has none, enter a rate: hashgauge rates set"
    depth = top - blocks[-1].height + 1
    if depth < config.final_depth:
        return f"block {blocks[-1].height}, {depth} of {config.final_depth} deep"
    before = await _blocks(connection, "before", {"start": start})
    try:
        found = day_rate(
            before,
            blocks,
            day_s=int(start.timestamp()),
            scheme=scheme,
            drop=config.drop_blocks,
        )
    except NoBlocksError as error:
        return str(error)
    await keep(connection, day, found, now=now, created_by="settlement")
    return None


async def set_rate(
    connection: Connection, day: date, btc_per_th: Fraction, *, now: datetime, created_by: str
) -> None:
    """As a person says; CheckViolation if a settlement used another one."""
    found = given_rate(btc_per_th / 10**12)
    await keep(connection, day, found, now=now, created_by=created_by)


async def keep(
    connection: Connection, day: date, found: DayRate, *, now: datetime, created_by: str
) -> None:
    await connection.execute(
        _SQL["keep"],
        {
            "day": day,
            "scheme": found.scheme,
            "numerator": str(found.rate.numerator),
            "denominator": str(found.rate.denominator),
            "rate": cut(found.rate),
            "subsidy_rate": cut(found.subsidy_rate),
            "fee_ratio": cut(found.fee_ratio),
            "blocks": Jsonb([_shown(block) for block in found.blocks]),
            "dropped": Jsonb([_shown(block) for block in found.dropped]),
            "now": now,
            "created_by": created_by,
        },
    )


async def rates_between(connection: Connection, first: date, last: date) -> list[Any]:
    """Newest first: day, scheme, rate, fee ratio, blocks, dropped, made at, by whom."""
    return await _rows(connection, _SQL["list"], {"from": first, "to": last})


def _shown(block: Block) -> dict[str, Any]:
    return {
        "height": block.height,
        "hash": block.hash,
        "median_time_s": block.median_time_s,
        "bits": block.bits,
        "subsidy_sat": block.subsidy_sat,
        "fee_sat": block.fee_sat,
    }


async def _blocks(connection: Connection, name: str, parameters: dict[str, Any]) -> list[Block]:
    return [Block(*row) for row in await _rows(connection, _CHAIN[name], parameters)]


async def _rows(connection: Connection, statement: str, parameters: dict[str, Any]) -> list[Any]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()
