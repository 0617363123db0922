"""The alert rule against a naive twin: one worker after another, the whole history in a list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aggregator.notify.alerts.rule import (
    Alert,
    AlertEvent,
    AlertStatus,
    Known,
    MinerPolicy,
    decide,
)
from schemas.worker import Cause, EventKind, WorkerStatus

START = datetime(2026, 11, 23, tzinfo=UTC)
MINER, WORKERS = 1, (10, 11, 12)
ALERTS = (WorkerStatus.UNAVAILABLE, WorkerStatus.OFF, WorkerStatus.REMOVED)

happening = st.tuples(st.sampled_from(WORKERS), st.sampled_from((*ALERTS, WorkerStatus.STABLE)))
# Events that are published together, and the seconds until the next batch.
batches = st.lists(
    st.tuples(st.lists(happening, min_size=1, max_size=5), st.integers(1, 90)), max_size=12
)
delays = st.sampled_from((0, 60, 3_600))


def events_of(found: list[tuple[int, WorkerStatus]], first: int) -> list[AlertEvent]:
    return [
        AlertEvent(
            UUID(int=number), number, EventKind.STATUS_CHANGED,
            Cause.SHARE if status is WorkerStatus.STABLE else Cause.SILENCE, START,
            miner_id=MINER, worker_id=worker, to_status=status,
        )
        for number, (worker, status) in enumerate(found, start=first)
    ]  # fmt: skip


class Stored:
    """Table `alerts`, and the channel that reads and writes it."""

    def __init__(self, delay_s: int) -> None:
        self.policy = MinerPolicy(delay_s, None, START)
        self.rows: dict[UUID, Alert] = {}

    def publish(self, events: list[AlertEvent], now: datetime) -> None:
        waiting = [row for row in self.rows.values() if row.status is AlertStatus.WAITING]
        last_sent: dict[int | None, Alert] = {}
        for row in sorted(self.rows.values(), key=lambda row: row.sequence):
            if row.status is AlertStatus.SENT:
                last_sent[row.worker_id] = row
        known = Known(
            miners={MINER: self.policy},
            waiting=waiting,
            alerted_workers=frozenset(
                worker for worker, row in last_sent.items() if worker and not row.is_return
            ),
        )
        for alert in decide(events, known, now):
            self.rows[alert.event_id] = alert
        self.send_due(now)

    def send_due(self, now: datetime) -> None:
        for identity, row in self.rows.items():
            if row.status is AlertStatus.WAITING and row.due_at <= now:
                self.rows[identity] = replace(row, status=AlertStatus.SENT)


@dataclass
class Line:
    number: int
    is_return: bool
    due: datetime
    cancelled: bool = False


class PlainWorker:
    """One worker's alerts in a list, in order; looks through all of it each time."""

    def __init__(self, delay_s: int) -> None:
        self.delay_s = delay_s
        self.lines: list[Line] = []

    def happens(self, number: int, status: WorkerStatus, now: datetime) -> None:
        standing = [line for line in self.lines if not line.cancelled]
        waiting = [line for line in standing if line.due > now]
        if status is not WorkerStatus.STABLE:
            patient = status in (WorkerStatus.UNAVAILABLE, WorkerStatus.OFF)
            due = now + timedelta(seconds=self.delay_s if patient else 0)
            due = max([due, *(line.due for line in waiting)])
            self.lines.append(Line(number, is_return=False, due=due))
            return
        for line in waiting:
            line.cancelled = True
        heard = [line for line in standing if line.due <= now]
        if not waiting or (heard and not heard[-1].is_return):
            self.lines.append(Line(number, is_return=True, due=now))


@given(batches, delays)
def test_alerts_agree_with_a_plain_list_for_each_worker(
    history: list[tuple[list[tuple[int, WorkerStatus]], int]], delay_s: int
) -> None:
    stored, plain = Stored(delay_s), {worker: PlainWorker(delay_s) for worker in WORKERS}
    now, number = START, 1
    for found, pause_s in history:
        stored.publish(events_of(found, number), now)
        for worker, status in found:
            plain[worker].happens(number, status, now)
            number += 1
        now += timedelta(seconds=pause_s)
    expected = {
        line.number: (line.due, line.is_return, line.cancelled)
        for worker in plain.values()
        for line in worker.lines
    }
    assert {
        row.sequence: (row.due_at, row.is_return, row.status is AlertStatus.CANCELLED)
        for row in stored.rows.values()
    } == expected


@given(batches, delays)
def test_what_people_heard_last_of_a_worker_is_how_it_is(
    history: list[tuple[list[tuple[int, WorkerStatus]], int]], delay_s: int
) -> None:
    """No alert is left standing after a return, and no silence without an alert."""
    stored, is_stable = Stored(delay_s), dict.fromkeys(WORKERS, True)
    now, number = START, 1
    for found, pause_s in history:
        stored.publish(events_of(found, number), now)
        is_stable.update((worker, status is WorkerStatus.STABLE) for worker, status in found)
        number += len(found)
        now += timedelta(seconds=pause_s)
    stored.send_due(now + timedelta(days=1))
    heard_return = dict.fromkeys(WORKERS, True)
    for row in sorted(stored.rows.values(), key=lambda row: row.sequence):
        if row.status is AlertStatus.SENT and row.worker_id is not None:
            heard_return[row.worker_id] = row.is_return
    assert heard_return == is_stable
