"""What a notice says beside its sentence: a label and a value a line, in mails and in chats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aggregator.notify.catalogue import FACTS, Catalogue
from aggregator.notify.names import visible
from schemas.messages.notifications import MailKind

_TIMES: Final = frozenset({"at", "requested_at", "valid_from", "valid_until"})

Shown = Callable[[str], str]


def facts_of(
    kind: MailKind, fields: Mapping[str, Any], catalogue: Catalogue, *, shown: Shown
) -> Iterator[tuple[str, str]]:
    """Labels and values of the fields that are there. `shown`: what somebody typed, as the channel
    shows it."""
    for name in FACTS[kind]:
        if fields.get(name):
            yield catalogue.labels[name], _value(name, fields, catalogue, shown)


def _value(name: str, fields: Mapping[str, Any], catalogue: Catalogue, shown: Shown) -> str:
    text = str(fields[name])
    if name == "status":
        return catalogue.payout_stages.get(text) or shown(text)
    if name == "amount":
        # A number of ours: an invisible break in it would be copied along.
        sign = "-" if fields.get("direction") == "outgoing" else ""
        return f"{sign}{visible(text)} {visible(str(fields.get('currency', '')))}"
    if name in _TIMES:
        return _time(text) or shown(text)
    return shown(text)


def _time(text: str) -> str | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
