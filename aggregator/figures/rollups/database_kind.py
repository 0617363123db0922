"""The two kinds of database, and how to tell which one answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DatabaseKind(StrEnum):
    """What holds the rollups: tables that the leader fills, or continuous aggregates."""

    PLAIN = "plain"
    TIMESCALE = "timescale"


PROBE_SQL: Final = """
select (select extversion from pg_extension where extname = 'timescaledb'),
       current_setting('timescaledb.license', true),
       (select default_version from pg_available_extensions where name = 'timescaledb')
"""
"""One row: version installed in this database, licence, version the server could install."""


def probed(installed: str | None, licence: str | None) -> DatabaseKind:
    """The kind of database behind a row of `PROBE_SQL`.

    The Apache build of TimescaleDB has hypertables and refuses continuous aggregates, so it counts
    as plain PostgreSQL.
    """
    return DatabaseKind.TIMESCALE if installed and licence == "timescale" else DatabaseKind.PLAIN


LAID_OUT_SQL: Final = """
select case
    when to_regclass('closed_rollups') is not null then 'plain'
    when to_regclass('rollup_queue') is not null then 'timescale'
end
"""
"""One row: which of the two keeps account of its rollups here, null if neither."""


def laid_out(kind: str | None) -> DatabaseKind | None:
    """The kind that a database was migrated as: the extension may have come or gone since."""
    return DatabaseKind(kind) if kind else None
