"""Where rollup rows are stored, on either kind of database.

On plain PostgreSQL that is the table of closed buckets, and the first bucket that is not closed
must lie after history, or it would be summed from the level below as well.

On TimescaleDB it is the hypertable behind a continuous aggregate. Its rows are read only before
the aggregate's watermark; later buckets are summed from the level below. History whose minutes are
not kept has nothing below it, so the watermark must lie after it: a row without work is refreshed
there and taken away again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from psycopg import errors

from aggregator.figures.minutes.dirty import timestamp
from aggregator.figures.rollups.database_kind import LAID_OUT_SQL, DatabaseKind, laid_out
from aggregator.figures.rollups.plain import PlainRollups
from aggregator.figures.rollups.retention import Policies
from aggregator.imports.boundary import SQL
from aggregator.postgres.connection import Connection
from aggregator.postgres.rows import one_row, rows
from ingest.errors import FatalError
from schemas.rollups import FAMILIES, Family
from schemas.runtime.named_sql import load
from schemas.windows import LEVELS, MINUTE_S, MINUTES

_REFRESH: Final = load("aggregator.figures", "sql/rollups.sql")["refresh_aggregate"]
_NOTHING: Final = -1e18


@dataclass(frozen=True, slots=True)
class Relations:
    """What holds each rollup's rows, by the rollup's name."""

    stored: dict[str, str]

    def of(self, family: Family, level: str) -> str:
        name = family.relation(level)
        return self.stored.get(name, name)


async def open_relations(connection: Connection, *, kept_from_s: int) -> Relations:
    """`connection` is in autocommit mode; rollups before `kept_from_s` are read as stored after."""
    found = await one_row(connection, LAID_OUT_SQL)
    kind = laid_out(found[0] if found else None)
    if kind is None:
        raise FatalError("the database has no rollups: run `hashgauge migrate` first")
    if kind is DatabaseKind.PLAIN:
        return await _closed_relations(connection, kept_from_s)
    found_rows = await rows(connection, SQL["stored_relations"])
    relations = Relations({view: stored for view, stored, _ in found_rows})
    read_to_s = {view: _NOTHING if at is None else at for view, _, at in found_rows}
    for family in FAMILIES:
        for level in LEVELS:
            if read_to_s[family.relation(level.name)] < kept_from_s:
                await _move_watermark(connection, relations, family, level.name, kept_from_s)
    return relations


async def _closed_relations(connection: Connection, kept_from_s: int) -> Relations:
    rollups = PlainRollups(Policies(), rest=timedelta())
    while await rollups.settle(connection, watermark_s=kept_from_s):
        pass
    await connection.execute(SQL["close_history"], {"kept_from": timestamp(kept_from_s)})
    return Relations(
        {
            family.relation(level.name): family.closed_relation(level.name)
            for family in FAMILIES
            for level in LEVELS
        }
    )


async def _move_watermark(
    connection: Connection, relations: Relations, family: Family, name: str, to_s: int
) -> None:
    level = next(level for level in LEVELS if level.name == name)
    below_s = {MINUTES: MINUTE_S} | {each.name: each.width_s for each in LEVELS}
    below = relations.of(family, level.below)
    is_worker_minute = below == "worker_minutes"
    names = {
        "relation": below,
        "key": family.key,
        "also": "miner_id," if is_worker_minute else "",
        "no": "0," if is_worker_minute else "",
    }
    at = {"bucket": timestamp(to_s - below_s[level.below])}
    await connection.execute(SQL["add_nothing"].format(**names), at)
    span = {"from": timestamp(to_s - level.width_s), "to": timestamp(to_s)}
    try:
        await connection.execute(_REFRESH, {"relation": family.relation(name), **span})
    except errors.LockNotAvailable as error:
        raise FatalError("the leader refreshes rollups: run the import again") from error
    await connection.execute(SQL["remove_nothing"].format(**names), at)
    names["relation"] = relations.of(family, name)
    at = {"bucket": timestamp(to_s - level.width_s)}
    await connection.execute(SQL["remove_nothing"].format(**names), at)
