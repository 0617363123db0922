"""`hashgauge status`: how the service is, read from its database."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import AsJson, console, hashrate, show_json, span, table
from deploy.local.running import load

if TYPE_CHECKING:
    import psycopg

_EVERY_S = 2.0
# A leader renews every 4 s and an owner writes every second; this long means that it is gone.
_GONE = timedelta(seconds=15)
# The statement `pools` counts the shares of so long.
_RATE_SPAN_S = 300


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Refresh every 2 s until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show stream time, lag, who leads, and how many workers are in which status.

    Example: `hashgauge status --watch`
    """
    import psycopg
    from rich.live import Live

    screen = console()
    with psycopg.connect(ready_database(load()), autocommit=True) as connection:
        if as_json:
            rows = _rows(connection)
            show_json({name: [row._asdict() for row in found] for name, found in rows.items()})
            return
        if not watch:
            screen.print(_picture(connection))
            return
        try:
            with Live(_picture(connection), console=screen, auto_refresh=False) as live:
                while True:
                    time.sleep(_EVERY_S)
                    live.update(_picture(connection), refresh=True)
        except KeyboardInterrupt:
            return


def _rows(connection: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    from psycopg.rows import namedtuple_row

    from schemas.runtime.named_sql import load as load_sql

    statements = load_sql("deploy", "sql/status.sql")
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return {name: cursor.execute(sql.encode()).fetchall() for name, sql in statements.items()}


def _picture(connection: psycopg.Connection[Any]) -> RenderableType:
    rows = _rows(connection)
    return Group(
        _figures(rows["leader"][0], rows["waiting"][0], rows["replay"]),
        _partitions(rows["partitions"]),
        _workers(rows["workers"]),
        _pools(rows["pools"]),
    )


def _figures(leader: Any, waiting: Any, replays: list[Any]) -> Table:
    shown = table("what", "", title="figures")
    shown.add_row("leader", f"{leader.holder or 'none'} (epoch {leader.epoch})")
    if leader.holder and leader.silent > _GONE:
        shown.add_row("", f"[red]silent for {span(leader.silent)}[/red]")
    behind = "" if leader.behind is None else f" ({span(leader.behind)} behind)"
    shown.add_row("stream time", _moment(leader.stream_time) + behind)
    shown.add_row("watermark", _moment(leader.watermark))
    for replay in replays:
        standing = f"for {span(replay.since)}; figures stand still"
        shown.add_row("recounted since", f"{_moment(replay.replay_from)}, {standing}")
    since = f" since {_moment(waiting.since)}" if waiting.rows else ""
    shown.add_row("rows to be merged", f"{waiting.rows:,}{since}")
    shown.add_row("minutes to be read", str(waiting.minutes))
    shown.add_row("events to be published", str(waiting.events))
    return shown


def _partitions(rows: list[Any]) -> Table:
    shown = table(
        "partition", "next offset", "stream time", "", "last flush", "owner", title="intake"
    )
    for row in rows:
        state = "caught up" if row.caught_up else "behind"
        if row.owner is None or row.silent > _GONE:
            state = f"[red]silent for {span(row.silent)}[/red]"
        if row.replay_left is not None:
            state = f"{state}, counts anew, {row.replay_left:,} left"
        shown.add_row(
            str(row.partition),
            str(row.next_offset),
            _moment(row.stream_time, "%m-%d %H:%M:%S"),  # 80 columns have no room for the year
            state,
            f"{span(row.silent)} ago",
            row.owner or "nobody",
        )
    return shown


def _workers(rows: list[Any]) -> Table:
    shown = table("status", "hardware workers", title="workers")
    for row in rows:
        shown.add_row(row.status, f"{row.workers:,}")
    return shown


def _pools(rows: list[Any]) -> Table:
    from schemas.units import hashrate_hps, reject_pct

    shown = table("pool", "hashrate", "rejected", "shares/s", title="pools, last 15 minutes")
    for row in rows:
        rate_hps = hashrate_hps(row.accepted_15m, 900)
        rejected = reject_pct(row.accepted_15m, row.rejected_15m)
        shares = f"{row.shares / _RATE_SPAN_S:,.1f}"
        shown.add_row(escape(row.title), hashrate(rate_hps), f"{rejected:.2f} %", shares)
    return shown


def _moment(value: Any, how: str = "%Y-%m-%d %H:%M:%S") -> str:
    return "none yet" if value is None else f"{value:{how}}Z"
