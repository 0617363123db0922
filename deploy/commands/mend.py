"""`hashgauge rebuild` and `hashgauge doctor`: make figures anew, find out what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from deploy.addresses import bootstrap_servers, database_url
from deploy.overrides import SettingsError
from deploy.settings import Settings, load

if TYPE_CHECKING:
    import psycopg

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"]
_POLL_S = 1.0
# Clocks of one installation are rarely off by more than this; figures go by the stream's.
_SKEW = timedelta(seconds=5)


def rebuild(
    start: Annotated[datetime, typer.Option("--from", help="UTC, inclusive.", formats=_TIMES)],
    end: Annotated[datetime, typer.Option("--to", help="UTC, exclusive.", formats=_TIMES)],
    wait: Annotated[bool, typer.Option(help="Return when the leader has read them all.")] = True,
) -> None:
    """Make entity minutes, rollups and windows anew from worker minutes; safe to repeat.

    The leader that runs does the work. Minutes that retention has dropped stay as they are.

    Example: [b]hashgauge rebuild --from 2026-03-01T12:00 --to 2026-03-01T18:00[/b]
    """
    if start >= end:
        raise typer.BadParameter("it must lie after --from", param_hint="--to")
    asyncio.run(_rebuild(load(), start.replace(tzinfo=UTC), end.replace(tzinfo=UTC), wait=wait))


async def _rebuild(settings: Settings, start: datetime, end: datetime, *, wait: bool) -> None:
    from psycopg import AsyncConnection

    from aggregator.figures.rebuild import list_minutes, unread_minutes

    console = Console(highlight=False)
    async with await AsyncConnection.connect(database_url(settings), autocommit=True) as connection:
        listed = await list_minutes(connection, start, end)
        console.print(f"{listed} minutes are listed for the leader")
        while wait and await unread_minutes(connection, start, end):  # noqa: ASYNC110 - in a database
            await asyncio.sleep(_POLL_S)
    if wait:
        console.print("the leader has read them")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `problem` says what is wrong and what to do."""

    what: str
    found: str = ""
    problem: str = ""


def doctor() -> None:
    """Look at everything the service needs, and say what is wrong and what to do about it.

    Ends with code 1 where something is wrong.

    Example: [b]hashgauge doctor[/b]
    """
    settings = load()
    console = Console(highlight=False)
    ill = False
    for finding in (*_database(settings), *_broker(settings)):
        mark = "[red]wrong[/red]" if finding.problem else "[green]ok[/green]"
        console.print(f"{mark:<24} {finding.what}: {finding.problem or finding.found}")
        ill = ill or bool(finding.problem)
    if ill:
        raise typer.Exit(1)


def _database(settings: Settings) -> Iterator[Finding]:
    import psycopg

    from deploy.preflight import PreflightError, check_database

    try:
        url = database_url(settings)
        check_database(url, patience_s=0.0)
    except (SettingsError, PreflightError) as error:
        yield Finding("database", problem=str(error))
        return
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        yield _flavour(connection)
        yield _clock(connection)
        yield _leader(connection)
        yield from _intake(connection)


def _flavour(connection: psycopg.Connection[Any]) -> Finding:
    found = _one(
        connection,
        "select current_setting('server_version'), "
        "(select extversion from pg_extension where extname = 'timescaledb')",
    )
    timescale = f"TimescaleDB {found[1]}" if found[1] else "no TimescaleDB (fine for small pools)"
    return Finding("database", f"PostgreSQL {found[0]}, {timescale}, schema current")


def _clock(connection: psycopg.Connection[Any]) -> Finding:
    skew = abs(datetime.now(UTC) - _one(connection, "select clock_timestamp()")[0])
    if skew > _SKEW:
        seconds = skew.total_seconds()
        return Finding("clocks", problem=f"this machine and the database differ by {seconds:.0f} s")
    return Finding("clocks", "this machine and the database agree")


def _leader(connection: psycopg.Connection[Any]) -> Finding:
    holder, silent, beat_at = _one(
        connection, "select holder, now() - renewed_at, beat_at from leader"
    )
    if holder is None or silent > timedelta(seconds=30):
        return Finding("figures", problem="nobody leads: start `hashgauge aggregate`")
    if beat_at is None:
        return Finding("figures", f"{holder} leads; no beat yet")
    return Finding("figures", f"{holder} leads, last beat {beat_at:%Y-%m-%d %H:%M:%S}Z")


def _intake(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    rows = connection.execute(
        "select partition, owner, now() - taken_at > interval '30 s', caught_up "
        "from intake_partitions join intake_stream using (cluster_id, topic) order by partition"
    ).fetchall()
    if not rows:
        yield Finding("intake", problem="no partition was ever taken: start `hashgauge aggregate`")
    for partition, owner, silent, caught_up in rows:
        what = f"partition {partition}"
        if owner is None or silent:
            yield Finding(what, problem="nobody takes it in: start `hashgauge aggregate`")
        else:
            yield Finding(what, f"{owner}, {'caught up' if caught_up else 'catching up'}")


def _broker(settings: Settings) -> Iterator[Finding]:
    from deploy.preflight import PreflightError, check_broker

    try:
        servers = bootstrap_servers(settings)
        check_broker(servers, patience_s=0.0)
    except (SettingsError, PreflightError) as error:
        yield Finding("broker", problem=str(error))
        return
    yield Finding("broker", f"{servers} takes connections")


def _one(connection: psycopg.Connection[Any], statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row
