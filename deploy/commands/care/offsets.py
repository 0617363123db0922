"""`hashgauge offsets`: how far intake has come, and what to do when the log was changed."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy.checks.preflight import ready_database
from deploy.commands.formatting import AsJson, show_json
from deploy.local.running import load
from deploy.settings.addresses import bootstrap_servers
from deploy.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.intake.partitions.offsets import StoredOffset

app: Final = typer.Typer(help="Show stored offsets, and reset a changed log.", no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False) -> None:
    """List every stored offset; the stream that is followed is marked.

    Example: `hashgauge offsets show`
    """
    rows = asyncio.run(_stored(load()))
    if as_json:
        show_json(rows)
        return
    console = Console(highlight=False)
    for (cluster, topic, current), group in groupby(
        rows, key=lambda row: (row.cluster_id, row.topic, row.current)
    ):
        # Ids are long: on a line of their own they are never cut.
        console.print(
            f"cluster {cluster}, topic {topic}" + (" (followed)" if current else ""),
            soft_wrap=True,
        )
        table = Table("partition", "next offset", "last record", "owner", "", box=None)
        for row in group:
            at = row.last_timestamp
            table.add_row(
                str(row.partition),
                str(row.next_offset),
                "none" if at is None else f"{at:%Y-%m-%d %H:%M:%S}Z",
                row.owner or "nobody",
                _replay(row),
            )
        console.print(table)


@app.command()
def reset(
    where: Annotated[
        str, typer.Option(help="Continue at the earliest or latest record, or at an offset.")
    ],
    partition: Annotated[
        list[int] | None, typer.Option(help="Only these partitions (default: all).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Accept a log that was cut or recreated, or step over a batch that cannot be read.

    `earliest` counts everything that the log holds, twice where it was counted before;
    `latest` leaves out what it holds now; an offset is that of one --partition. Stop the
    aggregators first.

    Example: `hashgauge offsets reset --where latest`
    """
    if where not in ("earliest", "latest") and not (where.isdecimal() and partition):
        raise typer.BadParameter(
            "it is earliest or latest, or an offset with --partition", param_hint="--where"
        )
    settings = load()
    bounds = asyncio.run(_bounds(settings))
    if unknown := sorted(set(partition or ()) - set(bounds)):
        words = f"the topic has no partition {unknown[0]}; it has {len(bounds)}, from 0 on"
        raise typer.BadParameter(words, param_hint="--partition")
    chosen = {
        number: _place(where, first, end)
        for number, (first, end) in bounds.items()
        if not partition or number in partition
    }
    console = Console(highlight=False)
    for number, offset in sorted(chosen.items()):
        console.print(f"partition {number}: go on at {offset} (log: {bounds[number]})")
    if not yes:
        typer.confirm("Shares may be missed or counted twice. Go on?", abort=True)
    count = asyncio.run(_reset(settings, chosen))
    console.print(f"reset: {count}" if count else "none of these partitions was known")


def _replay(row: StoredOffset) -> str:
    if row.replay_until is None or row.replay_from is None:
        return ""
    since = f"{row.replay_from:%Y-%m-%d %H:%M}Z"
    return f"counts anew since {since}, up to offset {row.replay_until}"


def _place(where: str, first: int, end: int) -> int:
    if where in ("earliest", "latest"):
        return first if where == "earliest" else end
    if not first <= int(where) <= end:
        raise typer.BadParameter(f"the log reaches from {first} to {end}", param_hint="--where")
    return int(where)


async def _stored(settings: Settings) -> list[StoredOffset]:
    from psycopg import AsyncConnection

    from aggregator.intake.partitions.offsets import show as stored

    async with await AsyncConnection.connect(
        ready_database(settings), autocommit=True
    ) as connection:
        return await stored(connection)


async def _bounds(settings: Settings) -> Mapping[int, tuple[int, int]]:
    """First offset and the one after the last, of every partition of the topic."""
    from aiokafka import AIOKafkaConsumer, TopicPartition

    from deploy.wiring.kafka_client import client_options

    consumer = AIOKafkaConsumer(
        settings.shares_topic,
        bootstrap_servers=bootstrap_servers(settings),
        **client_options(settings),
    )
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(settings.shares_topic) or set()
        all_of_it = [TopicPartition(settings.shares_topic, number) for number in numbers]
        first = await consumer.beginning_offsets(all_of_it)
        end = await consumer.end_offsets(all_of_it)
    finally:
        await consumer.stop()
    return {each.partition: (first[each], end[each]) for each in all_of_it}


async def _reset(settings: Settings, chosen: Mapping[int, int]) -> list[int]:
    from psycopg import AsyncConnection

    from aggregator.intake.partitions.offsets import Stream
    from aggregator.intake.partitions.offsets import reset as accept
    from deploy.wiring.kafka_client import consumer_config
    from ingest.kafka.consumer import ShareConsumer

    cluster = await ShareConsumer(consumer_config(settings)).cluster_id()
    async with await AsyncConnection.connect(
        ready_database(settings), autocommit=True
    ) as connection:
        return await accept(connection, Stream(cluster, settings.shares_topic), chosen)
