"""`hashgauge status`: how the service is, read from its database."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table

from deploy.addresses import database_url
from deploy.settings import load

if TYPE_CHECKING:
    import psycopg

_EVERY_S = 2.0
# A leader renews every 4 s and an owner writes every second; this long means that it is gone.
_GONE = timedelta(seconds=15)
# The statement `pools` counts the shares of so long.
_RATE_SPAN_S = 300


def status(
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it anew every 2 s; Ctrl-C ends it.")
    ] = False,
) -> None:
    """Show how far the service has come, who does what, and how many workers are well.

    Example: [b]hashgauge status --watch[/b]
    """
    import psycopg
    from rich.live import Live

    console = Console(highlight=False)
    with psycopg.connect(database_url(load()), autocommit=True, connect_timeout=5) as connection:
        if not watch:
            console.print(_picture(connection))
            return
        try:
            with Live(_picture(connection), console=console, auto_refresh=False) as live:
                while True:
                    time.sleep(_EVERY_S)
                    live.update(_picture(connection), refresh=True)
        except KeyboardInterrupt:
            return


def _picture(connection: psycopg.Connection[Any]) -> RenderableType:
    from psycopg.rows import namedtuple_row

    from schemas.named_sql import load as load_sql

    statements = load_sql("deploy", "sql/status.sql")
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        rows = {name: cursor.execute(sql.encode()).fetchall() for name, sql in statements.items()}
    return Group(
        _figures(rows["leader"][0], rows["waiting"][0]),
        _partitions(rows["partitions"]),
        _workers(rows["workers"]),
        _pools(rows["pools"]),
    )


def _figures(leader: Any, waiting: Any) -> Table:
    table = _table("figures", "what", "")
    table.add_row("leader", f"{leader.holder or 'none'} (epoch {leader.epoch})")
    if leader.holder and leader.silent > _GONE:
        table.add_row("", f"[red]silent for {_brief(leader.silent)}[/red]")
    behind = "" if leader.behind is None else f" ({_brief(leader.behind)} behind)"
    table.add_row("stream time", _moment(leader.stream_time) + behind)
    table.add_row("complete to", _moment(leader.complete_to))
    table.add_row("minutes to be read", str(waiting.minutes))
    table.add_row("events to be published", str(waiting.events))
    return table


def _partitions(rows: list[Any]) -> Table:
    table = _table("intake", "partition", "next offset", "stream time", "", "last flush", "owner")
    for row in rows:
        state = "caught up" if row.caught_up else "behind"
        if row.owner is None or row.silent > _GONE:
            state = f"[red]silent for {_brief(row.silent)}[/red]"
        table.add_row(
            str(row.partition),
            str(row.next_offset),
            _moment(row.stream_time),
            state,
            f"{_brief(row.silent)} ago",
            row.owner or "nobody",
        )
    return table


def _workers(rows: list[Any]) -> Table:
    table = _table("workers", "status", "hardware workers")
    for row in rows:
        table.add_row(row.status, f"{row.workers:,}")
    return table


def _pools(rows: list[Any]) -> Table:
    from schemas.units import hashrate_hps, reject_pct

    table = _table("pools, last 15 minutes", "pool", "hashrate", "rejected", "shares/s")
    for row in rows:
        hashrate = hashrate_hps(row.accepted_15m, 900)
        rejected = reject_pct(row.accepted_15m, row.rejected_15m)
        rate = f"{row.shares / _RATE_SPAN_S:,.1f}"
        table.add_row(row.title, readable_hps(hashrate), f"{rejected:.2f} %", rate)
    return table


def readable_hps(hashrate_hps: float) -> str:
    """For people: three or four digits and a unit.

    >>> readable_hps(90_697_492_495_655.83)
    '90.70 TH/s'
    """
    for unit in ("", "k", "M", "G", "T", "P", "E"):
        if hashrate_hps < 1_000:
            return f"{hashrate_hps:.2f} {unit}H/s"
        hashrate_hps /= 1_000
    return f"{hashrate_hps:.2f} ZH/s"


def _table(title: str, *columns: str) -> Table:
    return Table(
        *columns, title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 3, 0, 0)
    )


def _moment(value: Any) -> str:
    return "none yet" if value is None else f"{value:%Y-%m-%d %H:%M:%S}Z"


def _brief(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
