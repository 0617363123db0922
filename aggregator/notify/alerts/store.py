"""The alert rule's reading and writing: table `alerts`, deliveries and lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from aggregator.notify.alerts.rule import Alert, AlertEvent, AlertStatus, Known, MinerPolicy
from aggregator.notify.outbox import Batch, Connection
from schemas.messages.notifications import THRESHOLD_NOTICES, Notice
from schemas.runtime.named_sql import load
from schemas.worker import Cause, EventKind, WorkerStatus

_SQL: Final = load("aggregator.notify", "sql/alerts.sql")
_NEVER_SENT: Final = (AlertStatus.CANCELLED, AlertStatus.MUTED)
_COLUMNS: Final = tuple(field.name for field in fields(Alert))


async def events_of(
    connection: Connection, batch: Batch, *, channels: Sequence[str]
) -> list[AlertEvent]:
    """The events of workers, sources and thresholds in the batch that somebody may hear of, in
    order."""
    rows = await _rows(
        connection,
        "events_between",
        after=batch.after,
        to=batch.to,
        thresholds=list(THRESHOLD_NOTICES),
        channels=list(channels),
    )
    return [_event(row) for row in rows]


async def known_of(
    connection: Connection,
    batch: Batch,
    events: Sequence[AlertEvent],
    *,
    channels: Sequence[str],
    rate_span_s: int,
) -> Known:
    """What the rule must know before it decides on the events."""
    worker_ids = list({event.worker_id for event in events if event.worker_id is not None})
    silences = await _silences(connection, batch, events)
    on_source = await _workers_on_source(connection, batch, events, rate_span_s)
    miner_ids = {event.miner_id for event in events if event.miner_id is not None}
    miner_ids.update(alert.miner_id for alerts in silences.values() for alert in alerts)
    miner_ids.update(miner_id for workers in on_source.values() for miner_id in workers)
    miners = await _rows(
        connection, "miners_with_recipients", miner_ids=list(miner_ids), channels=list(channels)
    )
    waiting = await _rows(connection, "waiting_alerts", worker_ids=worker_ids)
    alerted = await _rows(connection, "alerted_workers", worker_ids=worker_ids)
    return Known(
        miners={row["id"]: _policy(row) for row in miners},
        waiting=[_alert(row) for row in waiting],
        alerted_workers=frozenset(row["worker_id"] for row in alerted),
        silences=silences,
        workers_on_source=on_source,
    )


async def save(connection: Connection, alerts: Iterable[Alert], *, now: datetime) -> None:
    """New alerts, and the new status of old ones."""
    alerts = list(alerts)
    if not alerts:
        return
    async with connection.cursor() as cursor:
        rows = [asdict(alert) | {"now": now} for alert in alerts]
        await cursor.executemany(_SQL["save_alert"], rows)
    ended = [alert for alert in alerts if alert.status in _NEVER_SENT]
    if ended:
        await connection.execute(
            _SQL["drop_deliveries"],
            {
                "event_ids": [alert.event_id for alert in ended],
                "miner_ids": [alert.miner_id for alert in ended],
                "now": now,
            },
        )


async def send_due(
    connection: Connection,
    *,
    now: datetime,
    limit: int,
    channels: Sequence[str],
    fold_s: Mapping[str, float],
) -> int:
    """Hand the oldest due alerts to their recipients' channels; how many there were."""
    (row,) = await _rows(
        connection,
        "send_due",
        now=now,
        limit=limit,
        channels=list(channels),
        people=list(fold_s),
        fold_s=list(fold_s.values()),
    )
    return int(row["count"])


async def forget(connection: Connection, *, keep_s: float) -> None:
    """Alerts that ended long ago."""
    await connection.execute(_SQL["forget_alerts"], {"keep_s": keep_s})


async def _silences(
    connection: Connection, batch: Batch, events: Sequence[AlertEvent]
) -> dict[int, list[Alert]]:
    source_ids = {event.source_id for event in events if event.kind is EventKind.SOURCE_BACK}
    found: defaultdict[int, list[Alert]] = defaultdict(list)
    if source_ids:
        for row in await _rows(
            connection, "last_silences", source_ids=list(source_ids), after=batch.after
        ):
            found[row["source_id"]].append(_alert(row))
    return dict(found)


async def _workers_on_source(
    connection: Connection, batch: Batch, events: Sequence[AlertEvent], rate_span_s: int
) -> dict[UUID, dict[int, int]]:
    found: defaultdict[UUID, dict[int, int]] = defaultdict(dict)
    # The query reads the figures of all workers: only if there is a reason.
    if any(event.kind is EventKind.SOURCE_SILENT for event in events):
        for row in await _rows(
            connection,
            "workers_on_silent_sources",
            after=batch.after,
            to=batch.to,
            rate_span_s=rate_span_s,
        ):
            found[row["event_id"]][row["miner_id"]] = row["workers"]
    return dict(found)


async def _rows(connection: Connection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    cursor = await connection.execute(_SQL[name], parameters)
    return await cursor.fetchall()


def _event(row: Mapping[str, Any]) -> AlertEvent:
    return AlertEvent(
        event_id=row["event_id"],
        sequence=row["sequence"],
        kind=Notice(row["kind"]) if row["kind"] in THRESHOLD_NOTICES else EventKind(row["kind"]),
        cause=row["cause"] and Cause(row["cause"]),
        created_at=row["created_at"],
        miner_id=row["miner_id"],
        worker_id=row["worker_id"],
        source_id=row["source_id"],
        to_status=row["to_status"] and WorkerStatus(row["to_status"]),
    )


def _policy(row: Mapping[str, Any]) -> MinerPolicy:
    return MinerPolicy(row["alert_delay_s"], row["muted_until"], row["since"])


def _alert(row: Mapping[str, Any]) -> Alert:
    columns = {name: row[name] for name in _COLUMNS}
    return Alert(**columns | {"status": AlertStatus(row["status"])})
