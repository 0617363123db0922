"""A real share log through the whole path: every minute of every worker has ckpool's own sums."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.share import REJECT_REASONS
from schemas.units import format_hps
from tests.acceptance.processes import BASE, Service, wait_until

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[1] / "data" / "ckpool"
NOTHING = {"count": 0, "difficulty": "0"}
RESULTS = ("accepted", *REJECT_REASONS)
Minute = tuple[str, str, int]
Sums = list[float]


def test_the_log_ends_in_ckpools_sums(service: Service) -> None:
    truth = _true_minutes()
    last_minute = max(minute for _, _, minute in truth)
    with service.running("aggregate") as aggregator:
        position = str(service.folder / "position")
        feed = ("feed", "ckpool", str(DATA / "logs"), "--position", position)
        service.run(*feed)
        wait_until(
            lambda: bool(
                service.value("select extract(epoch from watermark) = %s from leader", last_minute)
            ),
            "the figures reach the last minute of the log",
            aggregator.check,
        )
        # Everything was read: a second run sends nothing.
        service.run(*feed)
        _same(_minutes(service), truth)
        _same(_results(service), _true_results())
        _compare_charts(service, truth, last_minute)


def _same(found: Mapping[Any, Sums], wanted: Mapping[Any, Sums]) -> None:
    """Sums of fractions depend on their order in the last digit."""
    assert found.keys() == wanted.keys()
    for key, sums in found.items():
        assert sums == pytest.approx(wanted[key], rel=1e-12), key


def _compare_charts(service: Service, truth: Mapping[Minute, Sums], to_s: int) -> None:
    uids = {
        (account, worker): str(uid)
        for account, worker, uid in service.query(
            "select m.account_name, w.name, w.uid from workers w join miners m on m.id = w.miner_id"
        )
    }
    with service.api() as client:
        answer = client.get(
            f"{BASE}/workers/charts", params={"period": "PT15M", "id": list(uids.values())}
        )
    charts = answer.json()["data"]
    for (account, worker), uid in uids.items():
        points = charts[uid]["points"]
        assert [point["timestamp"] for point in points] == list(range(to_s - 900, to_s, 60))
        for point in points:
            sums = truth.get((account, worker, point["timestamp"]), [0, 0, 0.0, 0.0])
            assert _number(point["hashrate"]) == _number(format_hps(sums[2], 60))
            assert _number(point["rejectrate"]) == _number(format_hps(sums[3], 60))


def _number(text: str) -> Any:
    return pytest.approx(float(text), rel=1e-12, abs=0.011)


def _documented() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(account, worker, what truth.json says of it); the worker is what follows the username."""
    document = json.loads((DATA / "truth.json").read_text())
    for name, worker in document["workers"].items():
        yield worker["username"], name[len(worker["username"]) + 1 :] or "default", worker


def _true_minutes() -> dict[Minute, Sums]:
    """Accepted and rejected count, accepted and rejected difficulty."""
    rows: dict[Minute, Sums] = {}
    for account, rig, worker in _documented():
        for minute, sums in worker["minutes"].items():
            both = [sums.get("accepted", NOTHING), sums.get("rejected", NOTHING)]
            rows[account, rig, int(minute)] = [
                *(each["count"] for each in both),
                *(float(each["difficulty"]) for each in both),
            ]
    return rows


def _true_results() -> dict[tuple[str, str], Sums]:
    """Difficulty by result over the whole log, accepted first."""
    return {
        (account, rig): [
            float(worker["results"].get(result, NOTHING)["difficulty"]) for result in RESULTS
        ]
        for account, rig, worker in _documented()
    }


def _minutes(service: Service) -> dict[Minute, Sums]:
    rows = service.query(
        "select m.account_name, w.name, extract(epoch from bucket)::int8, accepted_count, "
        "rejected_count, accepted, rejected "
        "from worker_minutes join workers w on w.id = worker_id join miners m on m.id = w.miner_id"
    )
    return {(account, worker, minute): sums for account, worker, minute, *sums in rows}


def _results(service: Service) -> dict[tuple[str, str], Sums]:
    sums = ", ".join(f"coalesce(sum({result}), 0)" for result in RESULTS)
    rows = service.query(
        f"select m.account_name, w.name, {sums} from worker_minutes "
        "join workers w on w.id = worker_id join miners m on m.id = w.miner_id group by 1, 2"
    )
    return {(account, worker): difficulties for account, worker, *difficulties in rows}


def test_the_kept_copy_is_whole() -> None:
    """A clone stands alone: as many lines as the truth says, and every name of it."""
    logs = [path.read_bytes() for path in DATA.glob("logs/*/*.sharelog")]
    lines = [line for log in logs for line in log.splitlines()]
    truth = json.loads((DATA / "truth.json").read_text())
    assert len(lines) == truth["lines"]
    names = set(re.findall(rb'"workername":\s*"([^"]*)"', b"\n".join(lines)))
    assert {name.decode() for name in names} == truth["workers"].keys()
