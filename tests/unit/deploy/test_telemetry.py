"""What a process tells of itself: no secrets, metrics, readiness."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from deploy.process.telemetry import (
    SeldomTheSame,
    configure_logging,
    hide_secrets,
    monitor_app,
    without_credentials,
)
from deploy.settings.settings import load


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_restored")
def test_events_are_json_lines_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHGAUGE_LOG_FORMAT", "json")
    configure_logging(load())
    structlog.get_logger("room").info("opened", url="postgresql://me:s3cret@db/x", token="t0k")
    logging.getLogger("library").warning("no way to postgresql://me:s3cret@db/x")
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == [
        "opened",
        "no way to postgresql://me:***@db/x",
    ]
    assert events[0]["url"] == "postgresql://me:***@db/x"
    assert events[0]["token"] == "***"
    assert events[0]["logger"] == "room"


@pytest.mark.usefixtures("_logging_restored")
def test_an_outage_does_not_fill_the_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHGAUGE_LOG_FORMAT", "json")
    configure_logging(load())
    for node in range(50):
        logging.getLogger("aiokafka.client").error("no way to node %s", node)
        structlog.get_logger("query_api.database").warning("database_away", error=str(node))
        structlog.get_logger("room").info("seen")
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert Counter(events) == {"no way to node 0": 1, "database_away": 1, "seen": 50}


def test_the_same_is_said_again_after_a_while() -> None:
    times_s = iter((100.0, 109.0, 110.0, 111.0))
    seldom = SeldomTheSame(("library",), every_s=10, clock=lambda: next(times_s))
    record = logging.makeLogRecord({"name": "library.part", "msg": "away"})
    assert [seldom.filter(record) for _ in range(4)] == [True, False, True, False]


@pytest.mark.usefixtures("_logging_restored")
def test_offsets_by_partition_can_be_logged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HASHGAUGE_LOG_FORMAT", "json")
    configure_logging(load())
    structlog.get_logger("room").info("claimed", offsets={0: 7})
    assert json.loads(capsys.readouterr().err)["offsets"] == {"0": 7}


@pytest.mark.parametrize("key", ["password", "internal_api_key", "webhook_secret", "Authorization"])
def test_telling_keys_are_hidden(key: str) -> None:
    assert hide_secrets(None, "info", {key: "x", "rows": 1}) == {key: "***", "rows": 1}


def test_a_password_among_the_parameters_of_an_address_is_hidden() -> None:
    hidden = without_credentials("postgresql://db/x?sslpassword=s3cret&password=s3:cret&user=me")
    assert hidden == "postgresql://db/x?sslpassword=***&password=***&user=me"


def test_addresses_without_a_password_stay_as_they_are() -> None:
    assert without_credentials("http://127.0.0.1:8080/x@y") == "http://127.0.0.1:8080/x@y"


@pytest.mark.parametrize(("problem", "status"), [(None, 200), ("waiting for partitions", 503)])
async def test_readiness_is_that_of_the_checks(problem: str | None, status: int) -> None:
    answer = await _get("/readyz", problem)
    assert answer["status"] == status
    assert (problem or "ready").encode() in answer["body"]


async def test_metrics_and_health_are_there() -> None:
    assert (await _get("/healthz", "not ready"))["status"] == 200
    assert b"python_info" in (await _get("/metrics", None))["body"]
    assert (await _get("/else", None))["status"] == 404


async def _get(path: str, problem: str | None) -> dict[str, Any]:
    answer: dict[str, Any] = {}

    async def send(message: dict[str, Any]) -> None:
        answer.update(message)

    app = monitor_app({"intake": lambda: problem})
    await app({"type": "http", "path": path}, None, send)
    return answer
