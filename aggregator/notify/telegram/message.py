"""The text of a message to a chat: one for all that happened to a miner in a minute."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

from aggregator.notify.catalogue import DEFAULT_LANGUAGE, catalogue_of
from aggregator.notify.facts import facts_of
from aggregator.notify.names import code
from aggregator.notify.telegram.api import TEXT_MAX
from aggregator.notify.thresholds.message import ENGLISH, last_of_thresholds, threshold_line
from schemas.messages.events import SOURCE_KINDS, Event
from schemas.messages.notifications import NOTICES, Notice
from schemas.worker import EventKind, WorkerStatus

# More names than this nobody reads on a phone.
_NAMES_MAX: Final = 20
_SIGNS: Final = {
    WorkerStatus.UNAVAILABLE: "\N{WARNING SIGN}",
    WorkerStatus.OFF: "\N{BLACK SQUARE}",
    WorkerStatus.REMOVED: "\N{MULTIPLICATION X}",
    WorkerStatus.STABLE: "\N{WHITE HEAVY CHECK MARK}",
}

_MAIL_KINDS: Final = {spec.notice: spec.mail for spec in NOTICES}


def message_text(title: str, events: Sequence[Event]) -> str:
    """HTML of at most `TEXT_MAX` UTF-16 code units, tags and escapes counted too.

    A worker that changed more than once in the minute is shown with the last status.
    """
    for names_max in range(_NAMES_MAX, -1, -1):
        text = "\n".join([code(title), *_lines(events, names_max)])
        if len(text.encode("utf-16-le")) // 2 <= TEXT_MAX:
            return text
    return f"{len(events)} changes"


def _lines(events: Sequence[Event], names_max: int) -> list[str]:
    return [
        *(_source_line(event) for event in events if event.kind in SOURCE_KINDS),
        *(_threshold_line(event) for event in last_of_thresholds(events)),
        *_status_lines(events, names_max),
        *_notice_lines(events, names_max),
    ]


def _source_line(event: Event) -> str:
    source = code(event.source or "?")
    if event.kind is EventKind.SOURCE_BACK:
        return f"{_SIGNS[WorkerStatus.STABLE]} server {source} is back"
    return f"{_SIGNS[WorkerStatus.UNAVAILABLE]} server {source} is silent ({event.workers} workers)"


def _threshold_line(event: Event) -> str:
    assert event.fields is not None
    crossed = event.kind is Notice.THRESHOLD_CROSSED
    sign = _SIGNS[WorkerStatus.UNAVAILABLE if crossed else WorkerStatus.STABLE]
    return f"{sign} {threshold_line(event.kind, event.fields, ENGLISH, name=code)}"


def _status_lines(events: Sequence[Event], names_max: int) -> list[str]:
    ended: dict[str, tuple[WorkerStatus, str]] = {}
    for event in events:
        if event.to_status is not None:
            # Its server is back and it is not; the silence itself is no news.
            still = "still " if event.kind is EventKind.STILL_SILENT else ""
            ended[event.worker_name or ""] = event.to_status, still
    lines = []
    for (status, sign), still in product(_SIGNS.items(), ("", "still ")):
        names = [name for name, end in ended.items() if end == (status, still)]
        if names:
            lines.append(f"{sign} {still}{status}: {_names(names, names_max)}")
    return lines


def _notice_lines(events: Sequence[Event], notices_max: int) -> list[str]:
    """The newest ones whole, and how many others there are."""
    notices = [event for event in events if event.kind in _MAIL_KINDS]
    shown = notices[max(0, len(notices) - notices_max) :]
    lines = [line for event in shown for line in _notice(event)]
    older = len(notices) - len(shown)
    return [*lines, f"and {older} notices before"] if older else lines


def _notice(event: Event) -> list[str]:
    assert event.fields is not None
    catalogue = catalogue_of(DEFAULT_LANGUAGE)
    kind = _MAIL_KINDS[Notice(event.kind)]
    facts = facts_of(kind, event.fields, catalogue, shown=str)
    return [catalogue.sentences[kind], *(f"{label}: {code(value)}" for label, value in facts)]


def _names(names: list[str], names_max: int) -> str:
    shown = [code(name) for name in names[:names_max]]
    rest = len(names) - len(shown)
    if not shown:
        return f"{rest} workers"
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
