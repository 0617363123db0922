"""What is sent: the events' object, signatures, when to try again, and the words for chats."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from uuid import UUID

import orjson
import pytest

from aggregator.notify.config import WebhookConfig
from aggregator.notify.telegram.message import message_text
from aggregator.notify.webhooks.signing import new_secret, retry_delay_s
from schemas.messages.events import Event, encode_event, encode_webhook
from schemas.worker import Cause, EventKind, WorkerStatus

CHANGED = Event(
    sequence=8,
    event_id=UUID(int=1),
    kind=EventKind.STATUS_CHANGED,
    at=datetime(2026, 11, 23, 21, 15, tzinfo=UTC),
    cause=Cause.SILENCE,
    worker_uid=UUID(int=2),
    worker_name="rig01",
    miner_uid=UUID(int=3),
    account_name="acme",
    from_status=WorkerStatus.STABLE,
    to_status=WorkerStatus.UNAVAILABLE,
    transition_number=7,
    source="eu1",
)
STILL = replace(
    CHANGED, kind=EventKind.STILL_SILENT, from_status=WorkerStatus.UNAVAILABLE, worker_name="rig02"
)
SILENT = Event(
    sequence=9,
    event_id=UUID(int=4),
    kind=EventKind.SOURCE_SILENT,
    at=CHANGED.at,
    cause=Cause.SILENCE,
    source="eu<1>",
    workers=4_100,
)


def test_change_is_written_as_documented() -> None:
    assert orjson.loads(encode_event(CHANGED)) == {
        "id": str(UUID(int=1)),
        "type": "worker-status-changed",
        "sequence": 8,
        "at": "2026-11-23T21:15:00Z",
        "worker": {"id": str(UUID(int=2)), "name": "rig01"},
        "miner": {"id": str(UUID(int=3)), "account_name": "acme"},
        "from": "stable",
        "to": "unavailable",
        "cause": "silence",
        "source": "eu1",
        "number": 7,
    }
    assert CHANGED.key == str(UUID(int=2)).encode()


def test_repeated_status_is_written_as_one_that_does_not_change() -> None:
    changed, still = (orjson.loads(encode_event(event)) for event in (CHANGED, STILL))
    assert still.pop("type") == "worker-still-silent"
    assert (still["from"], still["to"]) == ("unavailable", "unavailable")
    assert still.keys() == changed.keys() - {"type"}
    assert message_text("acme", [CHANGED, STILL]).splitlines()[1:] == [
        "\N{WARNING SIGN} unavailable: <code>rig01</code>",
        "\N{WARNING SIGN} still unavailable: <code>rig02</code>",
    ]


def test_webhook_wraps_the_same_object() -> None:
    body = orjson.loads(encode_webhook(SILENT))
    assert body == {
        "type": "source-silent",
        "timestamp": "2026-11-23T21:15:00Z",
        "data": orjson.loads(encode_event(SILENT)),
    }
    assert body["data"]["workers"] == 4_100


def test_attempts_are_spread_over_a_day() -> None:
    config = WebhookConfig()
    delays_s = []
    while (delay_s := retry_delay_s(len(delays_s) + 1, config, draw=0.5)) is not None:
        delays_s.append(delay_s)
    assert delays_s[:3] == [5, 15, 45]
    assert delays_s == sorted(delays_s)
    assert 20 * 3_600 < list(accumulate(delays_s))[-1] < 28 * 3_600


@pytest.mark.parametrize(("draw", "factor"), [(0.0, 0.75), (0.999999, 1.25)])
def test_jitter_is_a_quarter_either_way(draw: float, factor: float) -> None:
    assert retry_delay_s(1, WebhookConfig(), draw=draw) == pytest.approx(5 * factor, rel=1e-4)


def test_secrets_are_long_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("whsec_") and len(secret) == 50 for secret in secrets)


def test_message_names_sources_first_and_escapes_names() -> None:
    assert message_text("a&b", [CHANGED, SILENT]).split("\n") == [
        "<code>a&amp;b</code>",
        "\N{WARNING SIGN} server <code>eu&lt;1&gt;</code> is silent (4100 workers)",
        "\N{WARNING SIGN} unavailable: <code>rig01</code>",
    ]
