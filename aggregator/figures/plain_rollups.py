"""Rollups on plain PostgreSQL: tables, filled by the same SELECTs that TimescaleDB aggregates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from aggregator.figures.policies import Policies
from aggregator.figures.touched import Stale, Touched, instant, ranges, stale_minutes
from schemas.metrics import counter
from schemas.named_sql import load
from schemas.rollups import FAMILIES, SUM_COLUMNS, WORKERS, Family, rollup_select
from schemas.windows import DAY_S, LEVELS, MINUTE_S, MINUTES, LevelSpec, floor_to

_SQL: Final = load("aggregator.figures", "sql/rollups.sql")
# A statement makes at most a day of 15-minute buckets anew: bounded work memory.
_LONGEST_RANGE: Final = 96
_ROWS_PER_STATEMENT: Final = 10_000
_DELETES_PER_CALL: Final = 50_000
_WIDTH_S: Final = {MINUTES: MINUTE_S} | {level.name: level.width_s for level in LEVELS}


class PlainRollups:
    """DELETE and INSERT of the touched buckets, in the transaction of the minutes' reader."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    async def refresh(self, connection: AsyncConnection[Any], touched: Iterable[Touched]) -> None:
        """Make the touched buckets of every level anew, bottom-up."""
        stale = stale_minutes(touched)
        kept_from = await _kept_from(connection)
        for level in LEVELS:
            stale = stale.widened(level.width_s)
            for family in FAMILIES:
                # A bucket whose minutes are partly dropped would come out too small.
                since_s = kept_from.get(family.relation(level.below), 0)
                await _remake(connection, family, level, stale.since(since_s))

    async def settle(
        self,
        connection: AsyncConnection[Any],
        *,
        complete_to_s: int,
        budget_s: float = 10.0,
    ) -> int:
        """Nothing to do: `refresh` left nothing open."""
        return 0

    async def retain(self, connection: AsyncConnection[Any], *, stream_time_s: int) -> int:
        """Delete one batch from each relation that holds rows older than its span."""
        untaken_s = await _oldest_untaken(connection)
        deleted = 0
        for relation, keep_s in _kept_spans(self._policies):
            # Midnight, so that what is dropped ends where a bucket of the level above ends.
            kept_from_s = floor_to(min(stream_time_s - keep_s, untaken_s), DAY_S)
            deleted += await _drop(connection, relation, kept_from_s)
        counter("retention_rows_total").inc(deleted)
        return deleted


def _kept_spans(policies: Policies) -> Iterator[tuple[str, int]]:
    """Relations that lose old rows, with the seconds that they keep."""
    for family in FAMILIES:
        for level in (MINUTES, *(level.name for level in LEVELS)):
            keep = policies.keep(level)
            if keep is not None:
                yield family.relation(level), round(keep.total_seconds())


async def _remake(
    connection: AsyncConnection[Any], family: Family, level: LevelSpec, stale: Stale
) -> None:
    names = {"relation": family.relation(level.name), "key": family.key}
    # Rows name workers; for entities the whole bucket is made anew (they are few).
    whole = stale.whole if family is WORKERS else stale.buckets()
    for start_s, end_s in ranges(whole, level.width_s, longest=_LONGEST_RANGE):
        parameters: dict[str, Any] = {"from": instant(start_s), "to": instant(end_s)}
        await connection.execute(_SQL["delete_range"].format(**names), parameters)
        await connection.execute(_insert(family, level, "where_range"), parameters)
    if family is not WORKERS:
        return
    rows_left = sorted(stale.rows)
    while rows := rows_left[:_ROWS_PER_STATEMENT]:
        del rows_left[:_ROWS_PER_STATEMENT]
        parameters = {
            "keys": [key for key, _ in rows],
            "starts": [instant(start_s) for _, start_s in rows],
            "width_below": timedelta(seconds=_WIDTH_S[level.below]),
            "rows_below": level.width_s // _WIDTH_S[level.below],
        }
        await connection.execute(_SQL["delete_rows"].format(**names), parameters)
        await connection.execute(_insert(family, level, "where_rows"), parameters)


def _insert(family: Family, level: LevelSpec, where: str) -> str:
    columns = ", ".join(("bucket", family.key, *SUM_COLUMNS))
    select = rollup_select(family, level, where=_SQL[where].format(key=family.key), shim=True)
    return f"insert into {family.relation(level.name)} ({columns}) {select}"


async def _drop(connection: AsyncConnection[Any], relation: str, kept_from_s: int) -> int:
    """Mark first, delete then: a crash in between leaves rows, never a bucket taken as whole."""
    parameters = {
        "relation": relation,
        "kept_from": instant(kept_from_s),
        "limit": _DELETES_PER_CALL,
    }
    await connection.execute(_SQL["mark_retention"], parameters)
    cursor = await connection.execute(_SQL["delete_old"].format(relation=relation), parameters)
    return cursor.rowcount


async def _kept_from(connection: AsyncConnection[Any]) -> Mapping[str, int]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["kept_from"])
        return dict(await cursor.fetchall())


async def _oldest_untaken(connection: AsyncConnection[Any]) -> int:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL["oldest_untaken"])
        row = await cursor.fetchone()
    return row[0] if row and row[0] is not None else 2**40
