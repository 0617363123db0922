"""Rollups on plain PostgreSQL: tables of closed buckets, under views that sum the later ones.

    settle    a bucket is over and has rested: its rows are written, once, and it is closed
    refresh   a late share: rows of closed buckets are made anew in the cycle's transaction

A closing reads for seconds and holds up no cycle meanwhile. What cycles change in that time they
note in `late_rollups`; the closing makes it anew at its end, when it holds `closed_rollups`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from psycopg import AsyncConnection

from aggregator.figures.minutes.dirty import Dirty, Stale, ranges, stale_minutes, timestamp
from aggregator.figures.rollups.retention import Policies
from aggregator.postgres.connection import Bounds, bounded
from aggregator.postgres.rows import one_row, rows
from schemas.rollups import FAMILIES, SUM_COLUMNS, WORKERS, Family, rollup_select
from schemas.runtime.metrics import counter, gauge
from schemas.runtime.named_sql import load
from schemas.windows import DAY_S, LEVELS, MINUTE_S, MINUTES, LevelSpec, floor_to

_SQL: Final = load("aggregator.figures", "sql/rollups.sql")
# A statement makes at most a day of 15-minute buckets anew: bounded work memory.
_LONGEST_RANGE: Final = 96
# Buckets closed in one transaction, the step by which `settle` keeps to its budget.
_LONGEST_CLOSING: Final = {"15m": 4, "1h": 24, "1d": 7}
_ROWS_PER_STATEMENT: Final = 10_000
_DELETES_PER_STATEMENT: Final = 50_000
# Retention of 1,000,000 workers deletes as many minutes a minute, in about three seconds.
_RETAIN_BUDGET_S: Final = 5.0
# A bucket rests this long after its end before it is closed: most late shares are seconds late.
_REST: Final = timedelta(minutes=2)
# A closing that was frozen is ended by the database, so that the next leader's is not held up.
_CLOSING: Final = Bounds(idle_s=15, lock_s=20, statement_s=900)
_WIDTH_S: Final = {MINUTES: MINUTE_S} | {level.name: level.width_s for level in LEVELS}
_ABOVE: Final = dict(pairwise((MINUTES, *(level.name for level in LEVELS))))


class PlainRollups:
    """Closes buckets beside the cycles, and keeps closed ones in line within them."""

    def __init__(self, policies: Policies, *, rest: timedelta = _REST) -> None:
        self._policies = policies
        self._rest_s = round(rest.total_seconds())

    async def refresh(self, connection: AsyncConnection[Any], dirty: Iterable[Dirty]) -> None:
        """Make the dirty rows of closed buckets anew, bottom-up, and note the others."""
        stale = stale_minutes(dirty)
        closed_to: dict[str, int | None] = dict(await rows(connection, _SQL["hold_closed"]))
        kept_from: dict[str, int] = dict(await rows(connection, _SQL["kept_from"]))
        for level in LEVELS:
            stale = stale.widened(level.width_s)
            closed, later = stale.parted(closed_to[level.name])
            await _note(connection, level, later)
            for family in FAMILIES:
                # A bucket whose minutes are partly dropped would come out too small.
                since_s = kept_from.get(family.relation(level.below), 0)
                await _remake(connection, family, level, closed.since(since_s))

    async def settle(
        self, connection: AsyncConnection[Any], *, watermark_s: int, budget_s: float = 10.0
    ) -> int:
        """Close what is complete, bottom-up, a range of buckets a transaction."""
        stop_s = time.monotonic() + budget_s
        left, complete_s = 0, watermark_s - self._rest_s
        for level in LEVELS:
            end_s = floor_to(complete_s, level.width_s)
            start_s = await _open_from(connection, level)
            longest_s = _LONGEST_CLOSING[level.name] * level.width_s
            while start_s is not None and start_s < end_s:
                await _close(connection, level, (start_s, min(start_s + longest_s, end_s)))
                start_s = await _open_from(connection, level)
                if time.monotonic() > stop_s:
                    break
            if start_s is None:
                break
            left += max(0, end_s - start_s) // level.width_s
            # The level above sums closed buckets only.
            complete_s = start_s
        gauge("rollups_waiting").set(left)
        return left

    async def retain(self, connection: AsyncConnection[Any], *, stream_time_s: int) -> int:
        """Delete from each relation that holds rows older than its span, for some seconds."""
        stop_s = time.monotonic() + _RETAIN_BUDGET_S
        row = await one_row(connection, _SQL["oldest_untaken"])
        untaken_s = 2**40 if row is None or row[0] is None else row[0]
        closed_to: dict[str, int | None] = dict(await rows(connection, _SQL["closed_to"]))
        deleted = 0
        for family, level, keep_s in _kept_spans(self._policies):
            end_s = min(stream_time_s - keep_s, untaken_s)
            if level in _ABOVE:
                # The level above is still to be made from it.
                end_s = min(end_s, closed_to[_ABOVE[level]] or 0)
            # Midnight, so that what is dropped ends where a bucket of the level above ends.
            kept_from_s = floor_to(end_s, DAY_S)
            if kept_from_s > 0:
                deleted += await _drop(connection, family, level, kept_from_s, stop_s=stop_s)
        counter("retention_rows_total").inc(deleted)
        return deleted


def _kept_spans(policies: Policies) -> Iterator[tuple[Family, str, int]]:
    """Levels that lose old rows, with the seconds that they keep."""
    for family in FAMILIES:
        for level in (MINUTES, *(level.name for level in LEVELS)):
            keep = policies.keep(level)
            if keep is not None:
                yield family, level, round(keep.total_seconds())


async def _open_from(connection: AsyncConnection[Any], level: LevelSpec) -> int | None:
    """Where the first bucket begins that is not closed; None if there is nothing to close."""
    closed_to: dict[str, int | None] = dict(await rows(connection, _SQL["closed_to"]))
    start_s = closed_to[level.name]
    if start_s is None:
        width = {"width": timedelta(seconds=level.width_s)}
        row = await one_row(connection, _SQL["first_bucket"], width)
        start_s = row[0] if row else None
    return start_s


async def _close(connection: AsyncConnection[Any], level: LevelSpec, span: tuple[int, int]) -> None:
    """Write the rows of the buckets in `span`; nothing if another process has done so."""
    bounds = {"level": level.name, "from": timestamp(span[0]), "to": timestamp(span[1])}
    async with bounded(connection, _CLOSING):
        await connection.execute(_SQL["close_alone"])
        if await _open_from(connection, level) != span[0]:
            return
        await connection.execute(_SQL["close_memory"])
        await connection.execute(_SQL["take_late"], bounds)
        for family in FAMILIES:
            await connection.execute(_insert(family, level, "where_range"), bounds)
        await connection.execute(_SQL["hold_level"], bounds)
        noted = await rows(connection, _SQL["take_late"], bounds)
        late = stale_minutes(
            Dirty(bucket_s, None if keys is None else tuple(keys)) for bucket_s, keys in noted
        )
        for family in FAMILIES:
            await _remake(connection, family, level, late)
        await connection.execute(_SQL["closed"], bounds)


async def _note(connection: AsyncConnection[Any], level: LevelSpec, later: Stale) -> None:
    notes: dict[int, list[int] | None] = dict.fromkeys(later.whole)
    for key, bucket_s in later.rows:
        keys = notes.setdefault(bucket_s, [])
        assert keys is not None, "rows of whole buckets are left out"
        keys.append(key)
    if notes:
        async with connection.cursor() as cursor:
            await cursor.executemany(
                _SQL["note_late"],
                [
                    {"level": level.name, "bucket": timestamp(bucket_s), "keys": keys}
                    for bucket_s, keys in notes.items()
                ],
            )


async def _remake(
    connection: AsyncConnection[Any], family: Family, level: LevelSpec, stale: Stale
) -> None:
    names = {"table": family.closed_relation(level.name), "key": family.key}
    # Rows name workers; for entities the whole bucket is made anew (they are few).
    whole = stale.whole if family is WORKERS else stale.buckets()
    for start_s, end_s in ranges(whole, level.width_s, longest=_LONGEST_RANGE):
        parameters: dict[str, Any] = {"from": timestamp(start_s), "to": timestamp(end_s)}
        await connection.execute(_SQL["delete_range"].format(**names), parameters)
        await connection.execute(_insert(family, level, "where_range"), parameters)
    if family is not WORKERS:
        return
    rows_left = sorted(stale.rows)
    while part := rows_left[:_ROWS_PER_STATEMENT]:
        del rows_left[:_ROWS_PER_STATEMENT]
        parameters = {
            "keys": [key for key, _ in part],
            "starts": [timestamp(start_s) for _, start_s in part],
            "width_below": timedelta(seconds=_WIDTH_S[level.below]),
            "rows_below": level.width_s // _WIDTH_S[level.below],
        }
        await connection.execute(_SQL["delete_rows"].format(**names), parameters)
        await connection.execute(_insert(family, level, "where_rows"), parameters)


def _insert(family: Family, level: LevelSpec, where: str) -> str:
    columns = ", ".join(("bucket", family.key, *SUM_COLUMNS))
    select = rollup_select(family, level, where=_SQL[where].format(key=family.key), plain=True)
    return f"insert into {family.closed_relation(level.name)} ({columns}) {select}"


async def _drop(
    connection: AsyncConnection[Any],
    family: Family,
    level: str,
    kept_from_s: int,
    *,
    stop_s: float,
) -> int:
    """Mark first, delete then: a crash in between leaves rows, never a bucket taken as whole."""
    parameters = {
        "relation": family.relation(level),
        "kept_from": timestamp(kept_from_s),
        "limit": _DELETES_PER_STATEMENT,
    }
    await connection.execute(_SQL["mark_retention"], parameters)
    statement = _SQL["delete_old"].format(table=family.closed_relation(level))
    deleted = 0
    while True:
        dropped = (await connection.execute(statement, parameters)).rowcount
        deleted += dropped
        if dropped < _DELETES_PER_STATEMENT or time.monotonic() > stop_s:
            return deleted
