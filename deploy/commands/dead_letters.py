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
    console = Console(highlight=False)
    count = 0
    for letter in asyncio.run(_read(load(), _reasons(reason), hours)):
        count += 1
        if count <= limit:
            console.print(_line(letter), soft_wrap=True, markup=False)
    console.print(f"{count} dead letters" + (f", {limit} shown" if count > limit else ""))


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
    console = Console(highlight=False)
    for letter, why in refused:
        console.print(f"not sent: {_line(letter)}: {why}", soft_wrap=True, markup=False)
    console.print(f"{sent} sent again, {len(refused)} not")


def _reasons(names: list[str] | None) -> list[Reason]:
    from schemas.topics import Reason

    known = {reason.value for reason in Reason}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"one of {', '.join(sorted(known))}", param_hint="--reason")
    return [Reason(name) for name in names or ()]


async def _read(settings: Settings, reasons: list[Reason], hours: float | None) -> list[Letter]:
    from ingest.dead_letter_tools import read_letters

    since_ms = None if hours is None else round((time.time() - hours * 3_600) * 1_000)
    return [
        letter
        async for letter in read_letters(
            ready_broker(settings),
            settings.dead_letter_topic,
            reasons=reasons,
            since_ms=since_ms,
        )
    ]


async def _replay(
    settings: Settings, reasons: list[Reason], hours: float | None, *, allow_old: bool
) -> tuple[int, list[tuple[Letter, str]]]:
    from aiokafka import AIOKafkaProducer

    from ingest.dead_letter_tools import LETTER_MAX_BYTES, NotReplayableError
    from ingest.dead_letter_tools import replay as send_again

    letters = await _read(settings, reasons, hours)
    producer = AIOKafkaProducer(
        bootstrap_servers=ready_broker(settings),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_request_size=LETTER_MAX_BYTES,
    )
    refused: list[tuple[Letter, str]] = []
    await producer.start()
    try:
        for letter in letters:
            try:
                now_ms = time.time_ns() // 1_000_000
                await send_again(producer, letter, now_ms, allow_old=allow_old)
            except NotReplayableError as error:
                refused.append((letter, str(error)))
    finally:
        await producer.stop()
    return len(letters) - len(refused), refused


def _line(letter: Letter) -> str:
    written = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(letter.written_ms / 1_000))
    origin = f"{letter.origin_topic}/{letter.origin_partition}/{letter.origin_offset}"
    which = f" shares {letter.indices}" if letter.indices else ""
    return f"{written} {letter.reason} {origin}{which}: {letter.detail}"
