"""What a message to a chat says: one message for all that happened to a miner in a minute."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import product
from typing import Final

from aggregator.notify.telegram_api import TEXT_MAX
from schemas.events import SOURCE_KINDS, Event
from schemas.worker import EventKind, WorkerStatus

# More names than this nobody reads on a phone.
_NAMES_MAX: Final = 20
_SIGNS: Final = {
    WorkerStatus.UNAVAILABLE: "\N{WARNING SIGN}",
    WorkerStatus.OFF: "\N{BLACK SQUARE}",
    WorkerStatus.REMOVED: "\N{MULTIPLICATION X}",
    WorkerStatus.STABLE: "\N{WHITE HEAVY CHECK MARK}",
}


def message_text(title: str, events: Sequence[Event]) -> str:
    """HTML of at most `TEXT_MAX` UTF-16 code units, tags and escapes counted too.

    A worker that changed more than once in the minute is told with where it ended.
    """
    for names_max in range(_NAMES_MAX, -1, -1):
        text = "\n".join([f"<b>{escape(title)}</b>", *_lines(events, names_max)])
        if len(text.encode("utf-16-le")) // 2 <= TEXT_MAX:
            return text
    return f"{len(events)} changes"


def _lines(events: Sequence[Event], names_max: int) -> list[str]:
    return [
        *(_source_line(event) for event in events if event.kind in SOURCE_KINDS),
        *_status_lines(events, names_max),
    ]


def _source_line(event: Event) -> str:
    source = escape(event.source or "?")
    if event.kind is EventKind.SOURCE_BACK:
        return f"{_SIGNS[WorkerStatus.STABLE]} server {source} is back"
    return f"{_SIGNS[WorkerStatus.UNAVAILABLE]} server {source} is silent ({event.workers} workers)"


def _status_lines(events: Sequence[Event], names_max: int) -> list[str]:
    ended: dict[str, tuple[WorkerStatus, str]] = {}
    for event in events:
        if event.to_status is not None:
            # Its server is back and it is not: said so, since the silence itself is no news.
            still = "still " if event.kind is EventKind.STILL_SILENT else ""
            ended[event.worker_name or ""] = event.to_status, still
    lines = []
    for (status, sign), still in product(_SIGNS.items(), ("", "still ")):
        names = [name for name, end in ended.items() if end == (status, still)]
        if names:
            lines.append(f"{sign} {still}{status}: {_names(names, names_max)}")
    return lines


def _names(names: list[str], names_max: int) -> str:
    shown = [escape(name) for name in names[:names_max]]
    rest = len(names) - len(shown)
    if not shown:
        return f"{rest} workers"
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
