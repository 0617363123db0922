"""Events on their way out: the one object that Kafka, webhooks and Server-Sent Events carry.

A change of status, key = worker id on topic `worker-status`:

    {"id": "5f0c…", "type": "worker-status-changed", "sequence": 8123, "at": "2026-11-23T21:15:00Z",
     "worker": {"id": "…", "name": "rig01"}, "miner": {"id": "…", "account_name": "acme"},
     "from": "stable", "to": "unavailable", "cause": "silence", "source": "eu1", "number": 7}

`id` never changes, however often an event is sent: what bears an id seen before is a repeat.
`sequence` rises by one from event to event, `number` from transition to transition of the worker.
`from` is null for a worker's first transition. `worker-still-silent` has the same fields, changes
nothing and is published at most once a transition: the worker's silence was its stratum server's
(cause `source_silent`), the server is back, and the worker has not shared within its own limit from
there.
`from` and `to` are both the status that it has, `number` is that of the transition into it, `cause`
is `silence`. A stratum server that fell silent or came back:

    {"id": "…", "type": "source-silent", "sequence": 8122, "at": "…", "source": "eu1",
     "workers": 4100, "cause": "silence"}

`workers` counts those recently active there: all of them on Kafka, the miner's own in a webhook.

A notice (a payment, a change of a wallet, ...: `schemas.messages.notifications`) goes to webhooks,
not to Kafka, and carries the fields of its kind, all texts:

    {"id": "…", "type": "payment.payout", "sequence": 8124, "at": "…",
     "miner": {"id": "…", "account_name": "acme"}, "currency": "BTC", "amount": "0.00472423", …}

A webhook wraps the object as Standard Webhooks advises: {"type", "timestamp", "data": object}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from schemas.messages.notifications import Notice
from schemas.worker import Cause, EventKind, WorkerStatus

SOURCE_KINDS: Final = frozenset({EventKind.SOURCE_SILENT, EventKind.SOURCE_BACK})
"""What a stratum server did; all other `EventKind`s are a worker's."""


@dataclass(frozen=True, slots=True)
class Event:
    """A row of view `event_details`. Worker, miner and statuses are None for a source's event."""

    sequence: int
    event_id: UUID
    kind: EventKind | Notice
    at: datetime
    cause: Cause | None
    worker_uid: UUID | None = None
    worker_name: str | None = None
    miner_uid: UUID | None = None
    account_name: str | None = None
    from_status: WorkerStatus | None = None
    to_status: WorkerStatus | None = None
    transition_number: int | None = None
    source: str | None = None
    workers: int | None = None
    fields: Mapping[str, str] | None = None
    """Of a notice; None for an event of a worker or a source."""

    @property
    def key(self) -> bytes:
        """Kafka's key: events of one worker stay in order on one partition."""
        return str(self.worker_uid or self.source).encode()


def event_of(row: Mapping[str, Any]) -> Event:
    """The event of a row with (at least) the columns of `event_details`."""
    return Event(
        sequence=row["sequence"],
        event_id=row["event_id"],
        kind=EventKind(row["kind"]) if row["fields"] is None else Notice(row["kind"]),
        at=row["at"],
        cause=row["cause"] and Cause(row["cause"]),
        worker_uid=row["worker_uid"],
        worker_name=row["worker_name"],
        miner_uid=row["miner_uid"],
        account_name=row["account_name"],
        from_status=row["from_status"] and WorkerStatus(row["from_status"]),
        to_status=row["to_status"] and WorkerStatus(row["to_status"]),
        transition_number=row["transition_number"],
        source=row["source"],
        workers=row["workers"],
        fields=row["fields"],
    )


def event_object(event: Event) -> dict[str, Any]:
    """The JSON object of an event, of what `_json` writes: ids, instants and kinds as they are."""
    head = {
        "id": event.event_id,
        "type": event.kind,
        "sequence": event.sequence,
        "at": event.at.astimezone(UTC),
    }
    miner = {"id": event.miner_uid, "account_name": event.account_name}
    if event.fields is not None:
        return {**event.fields, **head, "miner": miner if event.miner_uid else None}
    if event.kind in SOURCE_KINDS:
        return {**head, "source": event.source, "workers": event.workers, "cause": event.cause}
    return {
        **head,
        "worker": {"id": event.worker_uid, "name": event.worker_name},
        "miner": miner,
        "from": event.from_status,
        "to": event.to_status,
        "cause": event.cause,
        "source": event.source,
        "number": event.transition_number,
    }


def encode_event(event: Event) -> bytes:
    """The value on topic `worker-status`, and the data of a Server-Sent Event."""
    return _json(event_object(event))


def encode_webhook(event: Event) -> bytes:
    """The body of a webhook."""
    body = event_object(event)
    return _json({"type": body["type"], "timestamp": body["at"], "data": body})


def _json(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)
