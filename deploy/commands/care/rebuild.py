"""`hashgauge rebuild`: make figures anew from what was counted, or count it anew first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console

from deploy.checks.preflight import ready_database
from deploy.local.running import load
from deploy.settings.settings import Settings

if TYPE_CHECKING:
    from psycopg import AsyncConnection

_TIMES: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"]
_TIME: Final = "YYYY-MM-DD[THH:MM[:SSZ]]"
_POLL_S: Final = 1.0


def rebuild(
    start: Annotated[
        datetime, typer.Option("--from", help="UTC, inclusive.", formats=_TIMES, metavar=_TIME)
    ],
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to", help="UTC, exclusive; not with --shares.", formats=_TIMES, metavar=_TIME
        ),
    ] = None,
    shares: Annotated[
        bool,
        typer.Option("--shares", help="Delete the worker minutes and recount them from Kafka."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask for confirmation (with --shares).")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Return when the leader has read them all.")] = True,
) -> None:
    """Recompute entity minutes, rollups and windows from worker minutes; safe to repeat.

    The running leader does the work. Minutes that retention has dropped are left as they are.

    With `--shares` worker minutes are recounted first: those since --from are deleted and counted
    again from the topic, each share once, and new shares after them. Running aggregators stop at
    once and rely on their supervisor to restart them; figures stand still, marked as stale, until
    everything is counted. Fix the cause first: whatever reads the topic then decides what counts.

    Example: `hashgauge rebuild --from 2026-03-01T12:00 --to 2026-03-01T18:00`

    Example: `hashgauge rebuild --shares --from 2026-03-01T12:00`
    """
    since = start.replace(tzinfo=UTC)
    if shares:
        if end is not None:
            raise typer.BadParameter("with --shares all since --from counts", param_hint="--to")
        asyncio.run(_replay(load(), since, yes=yes, wait=wait))
        return
    if end is None:
        raise typer.BadParameter("it is missing", param_hint="--to")
    if start >= end:
        raise typer.BadParameter("it must lie after --from", param_hint="--to")
    asyncio.run(_rebuild(load(), since, end.replace(tzinfo=UTC), wait=wait))


async def _rebuild(settings: Settings, start: datetime, end: datetime, *, wait: bool) -> None:
    from psycopg import AsyncConnection

    from aggregator.figures.startup import list_minutes, unread_minutes

    console = Console(highlight=False)
    async with await AsyncConnection.connect(
        ready_database(settings), autocommit=True
    ) as connection:
        listed = await list_minutes(connection, start, end)
        console.print(f"{len(listed)} minutes are listed for the leader")
        # Not up to `end`: where that lies ahead, minutes go on coming.
        last = max(listed, default=start) + timedelta(minutes=1)
        while wait and await unread_minutes(connection, start, last):  # noqa: ASYNC110 - in a database
            await asyncio.sleep(_POLL_S)
    if wait:
        console.print("the leader has read them")


async def _replay(settings: Settings, since: datetime, *, yes: bool, wait: bool) -> None:
    from psycopg import AsyncConnection

    from deploy.wiring.replay_plan import begin, plan

    console = Console(highlight=False)
    async with await AsyncConnection.connect(
        ready_database(settings), autocommit=True
    ) as connection:
        planned = await plan(settings, connection, since=since)
        for number, place in sorted(planned.places.items()):
            console.print(f"partition {number}: read again from offset {place.start}")
        if not yes:
            question = f"Worker minutes since {planned.since:%Y-%m-%d %H:%M}Z are deleted. Go on?"
            typer.confirm(question, abort=True)
        done = await begin(connection, planned)
        console.print(
            f"{done.minutes_deleted} worker minutes deleted, {done.messages} messages to read again"
        )
        if wait:
            await _until_taken_up(connection, console)


async def _until_taken_up(connection: AsyncConnection[Any], console: Console) -> None:
    from aggregator.replay.rewind import progress

    shown = None
    while left := await progress(connection):
        if left.messages_left != shown:
            shown = left.messages_left
            console.print(f"{shown} messages left" if shown else "counted; the leader takes it up")
        await asyncio.sleep(_POLL_S)
    console.print("recounted; figures are current")
