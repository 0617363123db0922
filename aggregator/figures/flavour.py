"""The two flavours of database, and how to tell which one answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Flavour(StrEnum):
    """What holds the rollups: tables that the leader fills, or continuous aggregates."""

    PLAIN = "plain"
    TIMESCALE = "timescale"


PROBE_SQL: Final = """
select (select extversion from pg_extension where extname = 'timescaledb'),
       current_setting('timescaledb.license', true),
       (select default_version from pg_available_extensions where name = 'timescaledb')
"""
"""One row: version installed in this database, licence, version the server could install."""


def probed(installed: str | None, licence: str | None) -> Flavour:
    """The flavour behind a row of `PROBE_SQL`.

    The Apache build of TimescaleDB has hypertables and refuses continuous aggregates, so it counts
    as plain PostgreSQL.
    """
    return Flavour.TIMESCALE if installed and licence == "timescale" else Flavour.PLAIN


LAID_OUT_SQL: Final = "select relkind::text from pg_class where oid = to_regclass('worker_15m')"
"""One row with the kind of the first rollup: `r` a table, `v` a continuous aggregate."""


def laid_out(relkind: str | None) -> Flavour | None:
    """The flavour that a database was migrated as (an extension may have come or gone since)."""
    return {"r": Flavour.PLAIN, "v": Flavour.TIMESCALE}.get(relkind or "")
