"""SIGKILL of the aggregator in mid-flow, several times: the sums are those of the truth."""

from __future__ import annotations

import json

import pytest

from schemas.share import REJECT_REASONS
from tests.acceptance.processes import Running, Service, wait_until

pytestmark = pytest.mark.slow

START = "2026-03-02T00:00:00Z"
KILLS = 4
COLUMNS = ("accepted_count", "rejected_count", "accepted", "rejected", *REJECT_REASONS)
# Small bites: the topic is full before the aggregator starts, and a kill must hit it in mid-flow.
SLOWLY = {
    "HASHGAUGE_INTAKE__FETCH_RECORDS": "10",
    "HASHGAUGE_INTAKE__FLUSH_INTERVAL_S": "0.02",
    # One member, restarted at once: the group need not wait for the dead one.
    "HASHGAUGE_CONSUMER__SESSION_TIMEOUT_S": "6",
    "HASHGAUGE_CONSUMER__HEARTBEAT_S": "1",
}


def test_sums_are_exact_after_kills(service: Service) -> None:
    truth_path = service.folder / "truth.json"
    service.run(
        *("simulate", "--workers", "20", "--start", START, "--duration", "14400", "--final"),
        *("--speed", "max", "--truth", str(truth_path)),
    )
    for _ in range(KILLS):
        before = _taken(service)
        aggregator = service.start("aggregate", **SLOWLY)
        _wait_for_offset(service, before + 25, aggregator)
        aggregator.kill()
    killed_at = _taken(service)
    with service.running("aggregate") as aggregator:
        wait_until(
            lambda: bool(service.value("select watermark = %s from leader", _end())),
            "the figures reach the end",
            aggregator.check,
        )
    assert killed_at < _taken(service), "the last kill came after the work was done"
    truth = json.loads(truth_path.read_text())
    assert _rows(service) == {
        (account, worker, minute): sums
        for account, worker, minute, *sums in zip(
            truth["account_name"],
            truth["worker_name"],
            truth["minute_s"],
            *(truth[column] for column in COLUMNS),
            strict=True,
        )
    }


def _wait_for_offset(service: Service, offset: int, aggregator: Running) -> None:
    wait_until(lambda: _taken(service) >= offset, f"offset {offset}", aggregator.check)


def _taken(service: Service) -> int:
    return int(service.value("select coalesce(sum(next_offset), 0) from intake_partitions"))


def _end() -> str:
    return "2026-03-02T04:00:00Z"


def _rows(service: Service) -> dict[tuple[str, str, int], list[float]]:
    columns = ", ".join(f"coalesce({column}, 0)" for column in COLUMNS)
    rows = service.query(
        f"select m.account_name, w.name, extract(epoch from bucket)::int8, {columns} "
        "from worker_minutes join workers w on w.id = worker_id join miners m on m.id = w.miner_id"
    )
    return {(account, worker, minute): sums for account, worker, minute, *sums in rows}
