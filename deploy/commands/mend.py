"""`hashgauge rebuild`: make figures anew from what was counted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from deploy.addresses import database_url
from deploy.settings import Settings, load

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"]
_POLL_S = 1.0


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
