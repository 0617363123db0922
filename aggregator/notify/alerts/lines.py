"""Lines of `alert_lines` put together: one message for all that a recipient hears of a miner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Generic, TypeVar
from uuid import UUID

from schemas.messages.events import Event, event_of

Recipient = TypeVar("Recipient", int, str)


@dataclass(frozen=True, slots=True)
class Message(Generic[Recipient]):
    """All lines that are due for one miner and one recipient: a chat, an address."""

    recipient: Recipient
    user_uid: UUID
    title: str
    line_ids: tuple[int, ...]
    events: tuple[Event, ...]


def messages_of(rows: Sequence[Mapping[str, Any]], *, by: str) -> Iterator[Message[Any]]:
    """One for each run of rows with the same recipient (column `by`) and miner."""
    for _, run in groupby(rows, key=lambda row: (row[by], row["line_miner_id"])):
        lines = list(run)
        first = lines[0]
        yield Message(
            first[by],
            first["line_user_uid"],
            first["miner_title"],
            tuple(line["line_id"] for line in lines),
            tuple(_event(line) for line in lines),
        )


def _event(line: Mapping[str, Any]) -> Event:
    event = event_of(line)
    if line["own_workers"] is not None:
        event = replace(event, workers=line["own_workers"])
    return event
