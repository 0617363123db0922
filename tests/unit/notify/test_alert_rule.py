"""Who hears what: mutes, late recipients, and sources folded into one alert a miner."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aggregator.notify.alerts.rule import (
    Alert,
    AlertEvent,
    AlertStatus,
    Known,
    MinerPolicy,
    decide,
)
from schemas.worker import Cause, EventKind, WorkerStatus

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = MinerPolicy(3_600, None, NOW - HOUR)
OFF = AlertEvent(
    UUID(int=1), 1, EventKind.STATUS_CHANGED, Cause.SILENCE, NOW,
    miner_id=1, worker_id=7, to_status=WorkerStatus.OFF,
)  # fmt: skip
BACK = replace(
    OFF, event_id=UUID(int=2), sequence=2, cause=Cause.SHARE, to_status=WorkerStatus.STABLE
)
SILENT = AlertEvent(
    UUID(int=3), 3, EventKind.SOURCE_SILENT, Cause.SILENCE, NOW, source_id=5
)  # fmt: skip
SOURCE_BACK = replace(
    SILENT, event_id=UUID(int=4), sequence=4, kind=EventKind.SOURCE_BACK, cause=Cause.SHARE
)


@pytest.mark.parametrize(
    ("policy", "alerts"),
    [
        (POLICY, 1),
        (replace(POLICY, muted_until=NOW + HOUR), 0),
        (replace(POLICY, muted_until=NOW), 1),
        (replace(POLICY, since=NOW + HOUR), 0),
    ],
    ids=["plain", "muted", "no longer muted", "recipient came later"],
)
def test_who_listens_gets_an_alert(policy: MinerPolicy, alerts: int) -> None:
    assert len(decide([OFF], Known({1: policy}), NOW)) == alerts


def test_miner_without_recipients_has_no_alerts() -> None:
    assert decide([OFF, BACK, SILENT], Known({}), NOW) == []


def test_mute_does_not_keep_a_return_from_cancelling() -> None:
    waiting = Alert(OFF.event_id, 1, 1, NOW + HOUR, worker_id=7)
    muted = replace(POLICY, muted_until=NOW + HOUR)
    assert decide([BACK], Known({1: muted}, waiting=[waiting]), NOW) == [
        replace(waiting, status=AlertStatus.CANCELLED)
    ]


@pytest.mark.parametrize("cause", [Cause.SOURCE_SILENT, Cause.SOURCE_BACK])
def test_what_a_source_does_to_its_workers_is_no_alert_of_theirs(cause: Cause) -> None:
    assert decide([replace(OFF, cause=cause)], Known({1: POLICY}), NOW) == []


def test_silent_source_is_one_alert_a_miner_that_listens() -> None:
    known = Known({1: POLICY}, workers_on_source={SILENT.event_id: {1: 12, 2: 3}})
    (alert,) = decide([SILENT], known, NOW)
    assert (alert.miner_id, alert.workers, alert.due_at) == (1, 12, NOW + HOUR)


@pytest.mark.parametrize(
    ("due_at", "status", "expected"),
    [
        (NOW + HOUR, AlertStatus.WAITING, [(3, False, AlertStatus.CANCELLED)]),
        (NOW, AlertStatus.WAITING, [(4, True, AlertStatus.WAITING)]),
        (NOW - HOUR, AlertStatus.SENT, [(4, True, AlertStatus.WAITING)]),
    ],
    ids=["within the delay", "due", "sent"],
)
def test_source_that_is_back_ends_its_alert_or_is_reported(
    due_at: datetime, status: AlertStatus, expected: list[tuple[int, bool, AlertStatus]]
) -> None:
    silence = Alert(SILENT.event_id, 1, 3, due_at, status=status, source_id=5, workers=12)
    found = decide([SOURCE_BACK], Known({1: POLICY}, silences={5: [silence]}), NOW)
    assert [(alert.sequence, alert.is_return, alert.status) for alert in found] == expected
    assert [alert.workers for alert in found] == [12]
