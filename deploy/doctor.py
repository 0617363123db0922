"""Checks a configuration against reality: what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import namedtuple_row

from aggregator.figures.flavour import Flavour, probed
from aggregator.figures.policies import Policies
from deploy.migrate import current_version, expected_version
from deploy.readable import span
from deploy.settings import Settings
from deploy.telemetry import without_credentials
from schemas.named_sql import load
from schemas.rollups import FAMILIES
from schemas.windows import LEVELS

_SQL: Final = load("deploy", "sql/doctor.sql")
# Synchronised clocks are within milliseconds; minutes are read 5 s after they end.
_SKEW: Final = timedelta(seconds=2)
_SKEW_HARMS: Final = timedelta(seconds=30)
# A leader renews every 4 s, an owner writes every second; a successor is there within 30 s.
_GONE: Final = timedelta(seconds=30)
# The alert's limit: 90 s is normal at most.
_STALE: Final = timedelta(minutes=3)
_OLDEST_POSTGRES: Final = 150_000
_FULL: Final = 0.8
# Compression of minutes and levels, a refresh for each level, and one retention for all.
_JOBS: Final = len(FAMILIES) * (1 + 2 * len(LEVELS)) + 1
_START: Final = "start `hashgauge aggregate`"


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what was found, and where that is not well, what to do."""

    level: Level
    what: str
    found: str
    advice: str = ""


def ok(what: str, found: str) -> Finding:
    return Finding(Level.OK, what, found)


def warn(what: str, found: str, advice: str) -> Finding:
    return Finding(Level.WARN, what, found, advice)


def fail(what: str, found: str, advice: str) -> Finding:
    return Finding(Level.FAIL, what, found, advice)


def check_access(settings: Settings) -> Finding:
    """Nobody from outside may read without a key."""
    if settings.internal_api_key is not None:
        return ok("access", "an internal API key is set")
    if settings.on_loopback:
        return ok("access", "no internal API key: everything is open, on loopback alone")
    return fail(
        "access",
        f"the API would be open to all at {settings.host}",
        "set HASHGAUGE_INTERNAL_API_KEY, or HASHGAUGE_HOST=127.0.0.1",
    )


def check_database(settings: Settings, url: str) -> Iterator[Finding]:
    """Everything that the database alone can tell; stops at what hides the rest."""
    try:
        connection = psycopg.connect(
            url, autocommit=True, connect_timeout=5, application_name="hashgauge doctor"
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        yield fail("database", without_credentials(reason), "check DATABASE_URL and the server")
        return
    with connection:
        server = _rows(connection, "server")[0]
        yield _server(server)
        yield _connections(server)
        yield _clock(server.clock, datetime.now(UTC))
        version, expected = current_version(connection), expected_version()
        if version < expected:
            told = f"version {version:04}, this program needs {expected:04}"
            yield fail("schema", told, "run `hashgauge migrate`")
            return
        yield ok("schema", f"version {version:04}")
        extension = _rows(connection, "extension")[0]
        yield _extension(extension)
        yield _rights(connection)
        yield _policies(settings, connection, extension.migrated_as)
        yield _leader(settings, _rows(connection, "leader")[0])
        yield from _intake(connection)
        yield _publisher(_rows(connection, "unpublished")[0].age)


def _server(server: Any) -> Finding:
    told = f"PostgreSQL {server.version}"
    if server.replica:
        advice = "only `hashgauge serve` can use it; the others need the primary's address"
        return fail("database", f"{told}, a read replica", advice)
    if server.version_number < _OLDEST_POSTGRES:
        return fail("database", told, "15 or later is needed")
    return ok("database", told)


def _connections(server: Any) -> Finding:
    told = f"{server.connections} of {server.connections_limit} in use"
    if server.connections > _FULL * server.connections_limit:
        return warn("connections", told, "raise max_connections, or run fewer API processes")
    return ok("connections", told)


def _clock(there: datetime, here: datetime) -> Finding:
    skew = abs(here - there)
    told = f"this machine and the database differ by {skew.total_seconds():.1f} s"
    if skew > _SKEW:
        level = Level.FAIL if skew > _SKEW_HARMS else Level.WARN
        return Finding(level, "clocks", told, "run chrony or systemd-timesyncd on both")
    return ok("clocks", told)


def _extension(row: Any) -> Finding:
    if row.installed is None:
        return ok("flavour", "plain PostgreSQL (up to about 20,000 workers)")
    told = f"TimescaleDB {row.installed}, licence {row.licence}"
    if row.migrated_as == Flavour.PLAIN:
        advice = "harmless; to use it, migrate a new database in which the extension exists"
        return warn("flavour", f"{told}, but the schema is that of plain PostgreSQL", advice)
    if probed(row.installed, row.licence) is Flavour.PLAIN:
        return fail("flavour", told, "the community licence is needed: timescaledb.license")
    if tuple(int(part) for part in row.installed.split(".")[:2]) < (2, 28):
        return warn("flavour", told, "2.28 or later is recommended")
    return ok("flavour", told)


def _rights(connection: Connection[Any]) -> Finding:
    names = [row.relation for row in _rows(connection, "rights")]
    if names:
        told = f"this role may not read and write {', '.join(names[:3])} ({len(names)} in all)"
        return fail("rights", told, "grant select, insert, update, delete on them")
    return ok("rights", "this role may read and write every table")


def _policies(settings: Settings, connection: Connection[Any], flavour: str) -> Finding:
    if flavour == Flavour.TIMESCALE:
        jobs = _rows(connection, "jobs")[0]
        told = f"{jobs.scheduled} of {_JOBS} jobs are scheduled"
        if jobs.failed:
            return fail(
                "policies",
                f"failed the last time: {', '.join(jobs.failed)}",
                "see timescaledb_information.job_errors",
            )
        if jobs.scheduled < _JOBS:
            return fail("policies", told, "run `hashgauge migrate`, which puts them there")
        return ok("policies", told)
    keep = settings.configured("retention", Policies()).keep_minutes
    kept = _rows(connection, "oldest_minute")[0].kept
    told = f"minutes reach back {span(kept)}" if kept else "no minutes yet"
    if kept and kept > keep + timedelta(days=2):
        return warn("policies", told, "the leader does not get to retention: read its log")
    return ok("policies", f"{told}, kept for {span(keep)}")


def _leader(settings: Settings, row: Any) -> Finding:
    if row.holder is None or row.silent > _GONE:
        return fail("figures", "nobody leads", _START)
    if row.complete_to is None:
        return warn("figures", f"{row.holder} leads; no figures yet", "wait for the first shares")
    told = f"{row.holder} leads, figures reach to {row.complete_to:%Y-%m-%d %H:%M}Z"
    if settings.clock == "wall" and row.age > _STALE:
        return warn("figures", f"{told}, {span(row.age)} ago", "see intake and its lag below")
    return ok("figures", told)


def _intake(connection: Connection[Any]) -> Iterator[Finding]:
    rows = _rows(connection, "partitions")
    if not rows:
        yield fail("intake", "no partition was ever taken", _START)
        return
    orphans = [row.partition for row in rows if row.owner is None or row.silent > _GONE]
    behind = [row.partition for row in rows if not row.caught_up]
    ahead = max((row.ahead for row in rows if row.ahead), default=timedelta())
    if orphans:
        yield fail("intake", f"nobody takes in partitions {_listed(orphans)}", _START)
    elif behind:
        advice = "if that lasts, start more aggregators, up to one for each partition"
        yield warn("intake", f"partitions {_listed(behind)} are behind", advice)
    else:
        yield ok("intake", f"{len(rows)} partitions are taken in and caught up")
    if ahead > _SKEW:
        told = f"the newest record is {span(ahead)} ahead of the database's clock"
        yield warn("producers", told, "synchronise the clocks of the stratum servers")


def _publisher(age: timedelta | None) -> Finding:
    if age is not None and age > _GONE:
        advice = "start `hashgauge notify`, or aggregate with the figures"
        return fail("events", f"one waits since {span(age)} to be published", advice)
    return ok("events", "all are published")


def _rows(connection: Connection[Any], name: str) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_SQL[name].encode()).fetchall()


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
