"""`hashgauge dead-letters`: look at what could not be counted, and send it again once mended."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from deploy.preflight import ready_broker
from deploy.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ingest.dead_letter_tools import Letter
    from schemas.topics import Reason

app: Final = typer.Typer(
    help="List and replay messages that were not counted.", no_args_is_help=True
)

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only this reason; may be repeated.")
]
Hours = Annotated[float | None, typer.Option("--hours", min=0, help="Only the last so many hours.")]
Limit = Annotated[int, typer.Option(min=0, help="At most this many; all are counted.")]


@app.command("list")
def list_letters(reason: Reasons = None, hours: Hours = None, limit: Limit = 50) -> None:
    """List dead letters with their reason, their origin and which of their shares were bad.

    Example: `hashgauge dead-letters list --reason malformed_json --hours 24`
    """
    count = asyncio.run(_list(load(), _reasons(reason), hours, limit))
    _say(f"{count} dead letters" + (f", {limit} shown" if count > limit else ""))


@app.command()
def replay(
    reason: Reasons = None,
    hours: Hours = None,
    allow_old: Annotated[
        bool, typer.Option("--allow-old", help="Also those older than 48 hours; may count twice.")
    ] = False,
) -> None:
    """Send the bad shares of dead letters again under their original identity.

    Replaying twice within 48 hours counts once.

    Example: `hashgauge dead-letters replay --reason unknown_account --hours 24`
    """
    sent, refused = asyncio.run(_replay(load(), _reasons(reason), hours, allow_old=allow_old))
    _say(f"{sent} sent again, {refused} not")


def _reasons(names: list[str] | None) -> list[Reason]:
    from schemas.topics import Reason

    known = {reason.value for reason in Reason}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"one of {', '.join(sorted(known))}", param_hint="--reason")
    return [Reason(name) for name in names or ()]


def _letters(
    settings: Settings, reasons: list[Reason], hours: float | None
) -> AsyncIterator[Letter]:
    """One after the other: a letter is a whole message, and there may be very many."""
    from deploy.kafka_client import client_options
    from ingest.dead_letter_tools import read_letters

    return read_letters(
        ready_broker(settings),
        settings.dead_letter_topic,
        reasons=reasons,
        since_ms=None if hours is None else round((time.time() - hours * 3_600) * 1_000),
        client=client_options(settings),
    )


async def _list(settings: Settings, reasons: list[Reason], hours: float | None, limit: int) -> int:
    count = 0
    async for letter in _letters(settings, reasons, hours):
        count += 1
        if count <= limit:
            _say(_line(letter))
    return count


async def _replay(
    settings: Settings, reasons: list[Reason], hours: float | None, *, allow_old: bool
) -> tuple[int, int]:
    """How many were sent, and how many refused."""
    from aiokafka import AIOKafkaProducer

    from deploy.kafka_client import client_options
    from ingest.dead_letter import LETTER_MAX_BYTES
    from ingest.dead_letter_tools import NotReplayableError
    from ingest.dead_letter_tools import replay as send_again

    sent = refused = 0
    async with AIOKafkaProducer(
        bootstrap_servers=ready_broker(settings),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_request_size=LETTER_MAX_BYTES,
        **client_options(settings),
    ) as producer:
        async for letter in _letters(settings, reasons, hours):
            try:
                now_ms = time.time_ns() // 1_000_000
                await send_again(producer, letter, now_ms, allow_old=allow_old)
                sent += 1
            except NotReplayableError as error:
                _say(f"not sent: {_line(letter)}: {error}")
                refused += 1
    return sent, refused


def _say(line: str) -> None:
    Console(highlight=False).print(line, soft_wrap=True, markup=False)


def _line(letter: Letter) -> str:
    written = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(letter.written_ms / 1_000))
    origin = f"{letter.origin_topic}/{letter.origin_partition}/{letter.origin_offset}"
    which = f" shares {letter.indices}" if letter.indices else ""
    return f"{written} {letter.reason} {origin}{which}: {letter.detail}"
