"""The alert rule: what a miner's recipients hear of an event, and when. Pure.

unavailable  ──delay──▶ sent                the miner's delay; 0 by default
unavailable, share within the delay         neither is sent
unavailable, sent; off, share in the delay  `off` is cancelled, the return is sent: the last
                                            thing that people heard was an alert
muted miner                                 nothing new; a return still cancels what waits
silent source                               one alert a miner with the number of its workers,
                                            none a worker (causes source_silent, source_back)
source back                                 to the miners that were alerted of its silence
threshold crossed, cleared                  at once: the threshold waits by itself
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from schemas.messages.notifications import Notice
from schemas.worker import Cause, EventKind, WorkerStatus

_DELAYED: Final = frozenset({WorkerStatus.UNAVAILABLE, WorkerStatus.OFF})
_FOLDED: Final = frozenset({Cause.SOURCE_SILENT, Cause.SOURCE_BACK})


class AlertStatus(StrEnum):
    """Column `alerts.status`."""

    WAITING = "waiting"
    SENT = "sent"
    CANCELLED = "cancelled"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """What the rule needs to know of an event."""

    event_id: UUID
    sequence: int
    kind: EventKind | Notice
    cause: Cause | None
    created_at: datetime
    miner_id: int | None = None
    worker_id: int | None = None
    source_id: int | None = None
    to_status: WorkerStatus | None = None


@dataclass(frozen=True, slots=True)
class MinerPolicy:
    """How patient a miner's alerts are. A miner without recipients has none."""

    delay_s: int
    muted_until: datetime | None
    since: datetime
    """when the first of its recipients was there"""

    def hears(self, event: AlertEvent, now: datetime) -> bool:
        muted = self.muted_until is not None and self.muted_until > now
        return not muted and self.since <= event.created_at


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of table `alerts`."""

    event_id: UUID
    miner_id: int
    sequence: int
    due_at: datetime
    is_return: bool = False
    status: AlertStatus = AlertStatus.WAITING
    worker_id: int | None = None
    source_id: int | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What was so before the events."""

    miners: Mapping[int, MinerPolicy]
    # Alerts of the events' workers that wait.
    waiting: Sequence[Alert] = ()
    # Workers whose last message that was sent is an alert.
    alerted_workers: frozenset[int] = frozenset()
    # Alerts (waiting or sent) of the last silence of each source, by source.
    silences: Mapping[int, Sequence[Alert]] = field(default_factory=dict)
    # Miner → number of its workers on the source, for each event of a silent source.
    workers_on_source: Mapping[UUID, Mapping[int, int]] = field(default_factory=dict)


def decide(events: Iterable[AlertEvent], known: Known, now: datetime) -> list[Alert]:
    """New and changed alerts after the events, in their order."""
    decisions = _Decisions(known, now)
    for event in events:
        decisions.apply(event)
    return list(decisions.changed.values())


class _Decisions:
    """Applies events one after another."""

    def __init__(self, known: Known, now: datetime) -> None:
        self.changed: dict[tuple[UUID, int], Alert] = {}
        self._known = known
        self._now = now
        self._alerted = set(known.alerted_workers)
        self._silences = dict(known.silences)
        self._waiting: defaultdict[int, list[Alert]] = defaultdict(list)
        for alert in sorted(known.waiting, key=lambda alert: alert.sequence):
            if alert.worker_id is not None and not alert.is_return:
                self._waiting[alert.worker_id].append(alert)

    def apply(self, event: AlertEvent) -> None:
        if isinstance(event.kind, Notice):
            self._threshold(event)
        elif event.kind is EventKind.SOURCE_SILENT:
            self._source_silent(event)
        elif event.kind is EventKind.SOURCE_BACK:
            self._source_back(event)
        elif event.cause not in _FOLDED:
            if event.to_status is WorkerStatus.STABLE:
                self._worker_back(event)
            else:
                self._worker_alert(event)

    def _worker_alert(self, event: AlertEvent) -> None:
        assert event.miner_id is not None
        assert event.worker_id is not None
        miner = self._listening(event.miner_id, event)
        if miner is None:
            return
        delay_s = miner.delay_s if event.to_status in _DELAYED else 0
        # Not before an older one of the worker that still waits.
        older = [alert.due_at for alert in self._waiting[event.worker_id]]
        due_at = max([self._now + timedelta(seconds=delay_s), *older])
        alert = self._add(event, event.miner_id, due_at=due_at)
        self._waiting[event.worker_id].append(alert)

    def _worker_back(self, event: AlertEvent) -> None:
        assert event.miner_id is not None
        assert event.worker_id is not None
        waiting = self._waiting.pop(event.worker_id, [])
        early = [alert for alert in waiting if self._waits(alert)]
        for alert in early:
            self._cancel(alert)
        alerted = event.worker_id in self._alerted or len(early) < len(waiting)
        self._alerted.discard(event.worker_id)
        if (alerted or not early) and self._listening(event.miner_id, event):
            self._add(event, event.miner_id, is_return=True)

    def _source_silent(self, event: AlertEvent) -> None:
        assert event.source_id is not None
        alerts = []
        for miner_id, workers in self._known.workers_on_source.get(event.event_id, {}).items():
            miner = self._listening(miner_id, event)
            if miner is not None:
                due_at = self._now + timedelta(seconds=miner.delay_s)
                alerts.append(self._add(event, miner_id, due_at=due_at, workers=workers))
        self._silences[event.source_id] = alerts

    def _source_back(self, event: AlertEvent) -> None:
        assert event.source_id is not None
        for alert in self._silences.pop(event.source_id, ()):
            if self._waits(alert):
                self._cancel(alert)
            elif self._listening(alert.miner_id, event):
                self._add(event, alert.miner_id, is_return=True, workers=alert.workers)

    def _threshold(self, event: AlertEvent) -> None:
        assert event.miner_id is not None
        if self._listening(event.miner_id, event):
            is_return = event.kind is Notice.THRESHOLD_CLEARED
            self._add(event, event.miner_id, is_return=is_return)

    def _listening(self, miner_id: int, event: AlertEvent) -> MinerPolicy | None:
        miner = self._known.miners.get(miner_id)
        return miner if miner is not None and miner.hears(event, self._now) else None

    def _waits(self, alert: Alert) -> bool:
        """Whether it can still be cancelled: one that is due is as good as sent."""
        return alert.status is AlertStatus.WAITING and alert.due_at > self._now

    def _cancel(self, alert: Alert) -> None:
        self.changed[alert.event_id, alert.miner_id] = replace(alert, status=AlertStatus.CANCELLED)

    def _add(
        self,
        event: AlertEvent,
        miner_id: int,
        *,
        due_at: datetime | None = None,
        is_return: bool = False,
        workers: int | None = None,
    ) -> Alert:
        alert = Alert(
            event.event_id,
            miner_id,
            event.sequence,
            due_at or self._now,
            is_return=is_return,
            worker_id=event.worker_id,
            source_id=event.source_id if event.worker_id is None else None,
            workers=workers,
        )
        self.changed[event.event_id, miner_id] = alert
        return alert
