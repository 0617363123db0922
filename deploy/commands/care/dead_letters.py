"""`hashgauge dead-letters`: look at what could not be counted, and send it again once mended."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from deploy.checks.preflight import ready_broker
from deploy.commands.formatting import AsJson, finite, show_json
from deploy.local.running import load
from deploy.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ingest.dead_letters.letter import StoredDeadLetter
    from schemas.topics import InvalidReason

app: Final = typer.Typer(
    help="List and replay messages that were not counted.", no_args_is_help=True
)

Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only this reason; may be repeated.")
]
Hours = Annotated[
    float | None,
    typer.Option("--hours", min=0, callback=finite, help="Only the last so many hours."),
]
Limit = Annotated[int, typer.Option(min=0, help="At most this many; all are counted.")]


@app.command("list")
def list_letters(
    reason: Reasons = None, hours: Hours = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """List dead letters with their reason, their origin and which of their shares were bad.

    Example: `hashgauge dead-letters list --reason malformed_json --hours 24`
    """
    if as_json:
        show_json(asyncio.run(_plain(load(), _reasons(reason), hours, limit)))
        return
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


def _reasons(names: list[str] | None) -> list[InvalidReason]:
    from schemas.topics import InvalidReason

    known = {reason.value for reason in InvalidReason}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"one of {', '.join(sorted(known))}", param_hint="--reason")
    return [InvalidReason(name) for name in names or ()]


def _letters(
    settings: Settings, reasons: list[InvalidReason], hours: float | None
) -> AsyncIterator[StoredDeadLetter]:
    """One after the other: a letter is a whole message, and there may be very many."""
    from deploy.wiring.kafka_client import client_options
    from ingest.dead_letters.reader import read_dead_letters

    return read_dead_letters(
        ready_broker(settings),
        settings.dead_letter_topic,
        reasons=reasons,
        since_ms=None if hours is None else round((time.time() - hours * 3_600) * 1_000),
        client=client_options(settings),
    )


async def _list(
    settings: Settings, reasons: list[InvalidReason], hours: float | None, limit: int
) -> int:
    count = 0
    async for letter in _letters(settings, reasons, hours):
        count += 1
        if count <= limit:
            _say(_line(letter))
    return count


async def _plain(
    settings: Settings, reasons: list[InvalidReason], hours: float | None, limit: int
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    async for letter in _letters(settings, reasons, hours):
        if len(found) == limit:
            break
        found.append(
            {
                "written_ms": letter.written_ms,
                "reason": letter.reason,
                "topic": letter.origin_topic,
                "partition": letter.origin_partition,
                "offset": letter.origin_offset,
                "indices": letter.indices,
                "detail": letter.detail,
            }
        )
    return found


async def _replay(
    settings: Settings, reasons: list[InvalidReason], hours: float | None, *, allow_old: bool
) -> tuple[int, int]:
    """How many were sent, and how many refused."""
    from aiokafka import AIOKafkaProducer

    from deploy.wiring.kafka_client import client_options
    from ingest.dead_letters.replay import NotReplayableError
    from ingest.dead_letters.replay import replay as send_again
    from ingest.dead_letters.sink import DEAD_LETTER_MAX_BYTES

    sent = refused = 0
    async with AIOKafkaProducer(
        bootstrap_servers=ready_broker(settings),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_request_size=DEAD_LETTER_MAX_BYTES,
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


def _line(letter: StoredDeadLetter) -> str:
    written = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(letter.written_ms / 1_000))
    origin = f"{letter.origin_topic}/{letter.origin_partition}/{letter.origin_offset}"
    which = f" shares {letter.indices}" if letter.indices else ""
    return f"{written} {letter.reason} {origin}{which}: {letter.detail}"
