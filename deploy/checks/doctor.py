"""Checks a configuration against reality: what was found, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.rows import namedtuple_row

from aggregator.figures.rollups.database_kind import DatabaseKind, probed
from aggregator.figures.rollups.retention import Policies
from aggregator.ledger.check import check
from deploy.checks import pooler
from deploy.commands.formatting import span
from deploy.database.migrate import current_version, expected_version
from deploy.database.roles import PROCESSES
from deploy.process.telemetry import without_credentials
from deploy.settings.open_api import refuse_open_api
from deploy.settings.overrides import SettingsError
from deploy.settings.settings import Settings
from schemas.rollups import FAMILIES
from schemas.runtime.named_sql import load
from schemas.windows import LEVELS

_SQL: Final = load("deploy", "sql/doctor.sql")
# Synchronised clocks are within milliseconds; minutes are read 5 s after they end.
_SKEW: Final = timedelta(seconds=2)
_SKEW_HARMS: Final = timedelta(seconds=30)
# A leader renews every 4 s, an owner writes every second; a successor is there within 30 s.
_GONE: Final = timedelta(seconds=30)
# The alert's limit: 90 s is normal at most.
_STALE: Final = timedelta(minutes=3)
# A day is settled in the morning of the next one.
_SETTLED_WITHIN_DAYS: Final = 2
_PROXIES: Final = 256
_OLDEST_POSTGRES: Final = 150_000
_FULL: Final = 0.8
# Compression of minutes and levels, and one retention for all; the leader refreshes the levels.
_JOBS: Final = len(FAMILIES) * (1 + len(LEVELS)) + 1
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
    try:
        refuse_open_api(settings)
    except SettingsError as error:
        # The local stack opens its own API; a service that listens to others is another matter.
        trying_out = settings.on_loopback and settings.internal_api_key is None
        report = warn if trying_out else fail
        return report("access", "`serve` and `gateway` will not start", str(error))
    if settings.internal_api_key is not None:
        return ok("access", "an internal API key is set")
    return warn(
        "access",
        "no internal API key: everybody on this machine may do everything",
        "set HASHGAUGE_INTERNAL_API_KEY before anybody else uses the machine",
    )


def check_secrets(settings: Settings) -> Finding:
    """A dump of the database should open nothing."""
    if settings.sealing():
        return ok("secrets", "stored secrets are sealed")
    return warn(
        "secrets",
        "secrets of webhooks and watcher links are stored plain",
        "set HASHGAUGE_SEALING_KEYS (`hashgauge keys new-sealing-key`), then `keys reseal`",
    )


def check_proxies(trusted: str) -> Finding:
    """Whoever is trusted to name a client's address may pose as anybody; `trusted` is
    FORWARDED_ALLOW_IPS."""
    wide = [each for each in map(str.strip, trusted.split(",")) if _is_wide(each)]
    if wide:
        advice = "name the reverse proxy's own address in FORWARDED_ALLOW_IPS"
        return warn("proxy", f"{', '.join(wide)} may say who a client is", advice)
    return ok("proxy", f"clients' addresses are believed from {trusted or 'nobody'}")


def _is_wide(trusted: str) -> bool:
    """More than the 256 addresses of a small network."""
    try:
        network = ip_network(trusted, strict=False)
    except ValueError:
        return trusted == "*"
    return network.num_addresses > _PROXIES


def check_database(settings: Settings) -> Iterator[Finding]:
    """Everything that the database alone can tell; stops at what hides the rest."""
    try:
        with pooler.reading(settings, application_name="hashgauge doctor") as (connection, pooled):
            if pooled:
                yield warn("pooler", "DATABASE_URL leads through one", pooler.ADVICE)
            yield from _look(settings, connection)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        yield fail("database", without_credentials(reason), "check DATABASE_URL and the server")


def _look(settings: Settings, connection: Connection[Any]) -> Iterator[Finding]:
    server = _rows(connection, "server")[0]
    yield _server(server)
    yield _connections(server)
    yield _clock(server.clock, datetime.now(UTC))
    version, expected = current_version(connection), expected_version()
    if version < expected:
        text = f"version {version:04}, this program needs {expected:04}"
        yield fail("schema", text, "run `hashgauge migrate`")
        return
    yield ok("schema", f"version {version:04}")
    extension = _rows(connection, "extension")[0]
    yield _extension(extension)
    yield _rights(connection)
    yield _policies(settings, connection, extension.migrated_as)
    yield _leader(settings, _rows(connection, "leader")[0])
    yield from _intake(connection)
    yield _publisher(_rows(connection, "unpublished")[0].age)
    yield _settlement(_rows(connection, "settlement")[0])
    yield _payouts(_rows(connection, "payouts")[0])


async def check_ledger(url: str) -> Finding:
    """Whether every satoshi is somewhere."""
    async with await AsyncConnection.connect(
        url, autocommit=True, connect_timeout=5, application_name="hashgauge doctor"
    ) as connection:
        try:
            problems = await check(connection)
        except psycopg.errors.InsufficientPrivilege as error:
            return fail("ledger", str(error).splitlines()[0], "grant select on it")
    if problems:
        text = f"{len(problems)} checks fail, the first: {problems[0]}"
        return fail("ledger", text, "`hashgauge ledger check` names them all; stop payouts")
    return ok("ledger", "every satoshi is where it should be")


def _server(server: Any) -> Finding:
    text = f"PostgreSQL {server.version}"
    if server.replica:
        advice = "only `hashgauge serve` can use it; the others need the primary's address"
        return fail("database", f"{text}, a read replica", advice)
    if server.version_number < _OLDEST_POSTGRES:
        return fail("database", text, "15 or later is needed")
    return ok("database", text)


def _connections(server: Any) -> Finding:
    text = f"{server.connections} of {server.connections_limit} in use"
    if server.connections > _FULL * server.connections_limit:
        return warn("connections", text, "raise max_connections, or run fewer API processes")
    return ok("connections", text)


def _clock(there: datetime, here: datetime) -> Finding:
    skew = abs(here - there)
    text = f"this machine and the database differ by {skew.total_seconds():.1f} s"
    if skew > _SKEW:
        level = Level.FAIL if skew > _SKEW_HARMS else Level.WARN
        return Finding(level, "clocks", text, "run chrony or systemd-timesyncd on both")
    return ok("clocks", text)


def _extension(row: Any) -> Finding:
    if row.installed is None:
        return ok("database kind", "plain PostgreSQL (up to about 20,000 workers)")
    text = f"TimescaleDB {row.installed}, licence {row.licence}"
    if row.migrated_as == DatabaseKind.PLAIN:
        advice = "harmless; to use it, migrate a new database in which the extension exists"
        return warn("database kind", f"{text}, but the schema is that of plain PostgreSQL", advice)
    if probed(row.installed, row.licence) is DatabaseKind.PLAIN:
        return fail("database kind", text, "the community licence is needed: timescaledb.license")
    if tuple(int(part) for part in row.installed.split(".")[:2]) < (2, 28):
        return warn("database kind", text, "2.28 or later is recommended")
    return ok("database kind", text)


def _rights(connection: Connection[Any]) -> Finding:
    if connection.info.user in PROCESSES:
        return ok("rights", f"{connection.info.user} has those of its process")
    names = [row.relation for row in _rows(connection, "rights")]
    if names:
        text = f"this role may not read and write {', '.join(names[:3])} ({len(names)} in all)"
        return fail("rights", text, "grant select, insert, update, delete on them")
    return ok("rights", "this role may read and write every table")


def _policies(settings: Settings, connection: Connection[Any], database_kind: str) -> Finding:
    if database_kind == DatabaseKind.TIMESCALE:
        jobs = _rows(connection, "jobs")[0]
        text = f"{jobs.scheduled} of {_JOBS} jobs are scheduled"
        if jobs.failed:
            return fail(
                "policies",
                f"failed the last time: {', '.join(jobs.failed)}",
                "see timescaledb_information.job_errors",
            )
        if jobs.scheduled < _JOBS:
            return fail("policies", text, "run `hashgauge migrate`, which puts them there")
        return ok("policies", text)
    keep = settings.configured("retention", Policies()).keep_minutes
    kept = _rows(connection, "oldest_minute")[0].kept
    text = f"minutes reach back {span(kept)}" if kept else "no minutes yet"
    if kept and kept > keep + timedelta(days=2):
        return warn("policies", text, "the leader does not get to retention: read its log")
    return ok("policies", f"{text}, kept for {span(keep)}")


def _leader(settings: Settings, row: Any) -> Finding:
    if row.holder is None or row.silent > _GONE:
        return fail("figures", "nobody leads", _START)
    if row.watermark is None:
        return warn("figures", f"{row.holder} leads; no figures yet", "wait for the first shares")
    text = f"{row.holder} leads, figures reach to {row.watermark:%Y-%m-%d %H:%M}Z"
    if settings.clock == "wall" and row.age > _STALE:
        return warn("figures", f"{text}, {span(row.age)} ago", "see intake and its lag below")
    return ok("figures", text)


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
        text = f"the newest record is {span(ahead)} ahead of the database's clock"
        yield warn("producers", text, "synchronise the clocks of the stratum servers")


def _publisher(age: timedelta | None) -> Finding:
    if age is not None and age > _GONE:
        advice = "start `hashgauge notify`, or aggregate with the figures"
        return fail("events", f"one waits since {span(age)} to be published", advice)
    return ok("events", "all are published")


def _settlement(row: Any) -> Finding:
    if row.unseen is None or row.unseen > _STALE:
        seen = "never" if row.unseen is None else f"{span(row.unseen)} ago"
        return warn("settlement", f"it looked last {seen}", _START)
    if row.next_day is None:
        return ok("settlement", f"waits for {row.waits_for}")
    text = f"{row.next_day} is next and waits for {row.waits_for}"
    if row.days is not None and row.days > _SETTLED_WITHIN_DAYS:
        return fail("settlement", text, "`hashgauge settle` says the same; see the runbook")
    return ok("settlement", text)


def _payouts(row: Any) -> Finding:
    if row.stopped:
        text = f"{row.stopped} batches need a person"
        return fail("payouts", text, "`hashgauge payouts list` names them with their reason")
    if row.waiting is not None and row.waiting > _GONE:
        advice = "start `hashgauge aggregate` with BITCOIND_RPC_URL and the wallet's descriptor"
        return warn("payouts", f"a step waits since {span(row.waiting)}", advice)
    if row.unseen is None:
        return ok("payouts", "no wallet was looked at")
    if row.unseen > _STALE:
        advice = "is the Bitcoin node reached? The log of `hashgauge aggregate` names the reason"
        return fail("payouts", f"the wallet was last seen {span(row.unseen)} ago", advice)
    return ok("payouts", "the wallet and its batches are followed")


def _rows(connection: Connection[Any], name: str) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(_SQL[name].encode()).fetchall()


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (" …" if len(numbers) > 10 else "")
