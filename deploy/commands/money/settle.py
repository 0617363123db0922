"""`hashgauge settle`: settle the days that are due, or look at a settled one again."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from deploy.checks.preflight import PreflightError
from deploy.commands.formatting import AsJson, console, day_of, show_json, show_rows
from deploy.local.running import load


def settle(
    check: Annotated[
        str | None, typer.Option(metavar="DAY", help="Show what changed since it was settled.")
    ] = None,
    correct: Annotated[
        str | None, typer.Option(metavar="DAY", help="Book what changed since.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Settle all days that are due, and say what the next one waits for.

    Example: `hashgauge settle --check 2026-11-27`
    """
    if check is not None and correct is not None:
        raise typer.BadParameter("--check or --correct, one of the two")
    if check is not None:
        _show(day_of(check, param_hint="--check"), as_json=as_json)
    elif correct is not None:
        _correct(day_of(correct, param_hint="--correct"), as_json=as_json)
    else:
        _settle(as_json=as_json)


def _settle(*, as_json: bool) -> None:
    from aggregator.chain.config import ChainConfig
    from aggregator.chain.follow import follow
    from aggregator.settlement.days import Waits, settle_due
    from deploy.wiring.chain import block_source
    from deploy.wiring.settlement import money_connection, settlement_config, unfenced

    settings = load()

    async def run() -> Waits:
        async with money_connection(settings) as connection, block_source(settings) as source:
            if source is not None:
                await follow(connection, source, settings.configured("chain", ChainConfig()))
            return await settle_due(
                connection,
                settlement_config(settings),
                now=datetime.now(UTC),
                transaction=functools.partial(unfenced, connection),
            )

    waits = asyncio.run(run())
    if as_json:
        show_json({"next_day": waits.day, "waits_for": waits.reason})
        return
    console().print(f"the next day, {waits.day or 'the first one'}, waits for {waits.reason}")


def _show(day: date, *, as_json: bool) -> None:
    from aggregator.settlement.correct import Difference, NotSettledError, differences
    from deploy.wiring.settlement import money_connection, reading

    async def run() -> list[Difference]:
        async with money_connection(load()) as connection, reading(connection):
            return await differences(connection, day)

    try:
        found: list[Any] = asyncio.run(run())
    except NotSettledError as error:
        raise PreflightError(str(error)) from None
    columns = ("miner", "version", "hashes settled", "hashes now", "satoshi before fees")
    rows = [
        (one.miner_id, one.version, str(one.settled), str(one.counted), one.worth_sat)
        for one in found
    ]
    if rows or as_json:
        show_rows(columns, rows, as_json=as_json)
    else:
        console().print(f"nothing of {day} changed since it was settled")


def _correct(day: date, *, as_json: bool) -> None:
    from psycopg.errors import SerializationFailure

    from aggregator.settlement.correct import Corrections, NotSettledError, correct
    from deploy.wiring.settlement import money_connection, unfenced

    async def run() -> Corrections:
        async with money_connection(load()) as connection:
            while True:
                # A payout that is booked meanwhile changes a balance: once more, from the start.
                with contextlib.suppress(SerializationFailure):
                    return await correct(
                        connection,
                        day,
                        now=datetime.now(UTC),
                        transaction=functools.partial(unfenced, connection),
                    )

    try:
        done = asyncio.run(run())
    except NotSettledError as error:
        raise PreflightError(str(error)) from None
    if as_json:
        show_json({"booked": done.booked, "gross_sat": done.gross_sat, "waiting": done.waiting})
        return
    console().print(f"corrected {done.booked} miners by {done.gross_sat} satoshi before fees")
    if done.waiting:
        console().print(f"waiting for a balance that suffices: {len(done.waiting)} miners")
