"""A day of a simulated pool through the real processes: every figure is that of the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import httpx2
import pytest

from schemas.windows import PERIODS, WINDOWS
from tests.acceptance import expected
from tests.acceptance.expected import Minutes, Worker
from tests.acceptance.processes import BASE, Service, wait_until

pytestmark = pytest.mark.slow

START = "2026-03-02T00:00:00Z"
START_S = 1_772_409_600
# Not a whole number of half hours: the oldest buckets of 1d and 1w count in part.
SPAN_S = 86_400 + 4_980
END_S = START_S + SPAN_S


def test_every_figure_of_a_day_is_that_of_the_truth(service: Service) -> None:
    truth_path = service.folder / "truth.json"
    with service.running("aggregate") as aggregator:
        service.run(
            *("simulate", "--workers", "36", "--start", START, "--duration", str(SPAN_S)),
            *("--speed", "max", "--final", "--truth", str(truth_path)),
            timeout_s=240,
        )
        wait_until(
            lambda: service.value("select extract(epoch from watermark) from leader") == END_S,
            "the figures reach the end of the day",
            aggregator.check,
        )
        with service.api() as client:
            _compare(service, client, expected.read_truth(truth_path))


def _compare(service: Service, client: httpx2.Client, truth: Mapping[Worker, Minutes]) -> None:
    workers = {
        (account, worker): str(uid)
        for account, worker, uid in service.query(
            "select m.account_name, w.name, w.uid from workers w join miners m on m.id = w.miner_id"
        )
    }
    assert workers.keys() == truth.keys()
    miners = {
        account: str(uid) for account, uid in service.query("select account_name, uid from miners")
    }
    of_workers = {uid: truth[key] for key, uid in workers.items()}
    of_miners = {
        uid: expected.summed(minutes for (owner, _), minutes in truth.items() if owner == account)
        for account, uid in miners.items()
    }
    _compare_many(client, "workers", of_workers)
    _compare_many(client, "miners", of_miners)
    pool = f"pools/{service.value('select uid from pools')}"
    whole = expected.summed(truth.values())
    _same_stats(_get(client, f"{pool}/stats"), whole)
    for period in PERIODS:
        answer = _get(client, f"{pool}/charts", period=period.period)
        assert answer["data"]["points"] == expected.chart(whole, period, END_S)


def _compare_many(client: httpx2.Client, kind: str, entities: Mapping[str, Minutes]) -> None:
    for ids in _batches(entities, 100):
        stats = _get(client, f"{kind}/stats", id=ids)
        assert stats.keys() == set(ids)
        for uid in ids:
            _same_stats(stats[uid], entities[uid], whole_hashes=True)
        for period in PERIODS:
            charts = _get(client, f"{kind}/charts", id=ids, period=period.period)["data"]
            for uid in ids:
                assert charts[uid]["points"] == expected.chart(entities[uid], period, END_S)


def _same_stats(found: Mapping[str, Any], minutes: Minutes, *, whole_hashes: bool = False) -> None:
    """To the last digit; where a bucket counts in part, to 1e-12 (the order of products)."""
    wanted = expected.stats(minutes, END_S)
    assert found.keys() == wanted.keys()
    for window in WINDOWS:
        shown = {
            rate: text.partition(".")[0] if whole_hashes else text
            for rate, text in wanted[window.name].items()
        }
        if window.bucket_s == 60:
            assert found[window.name] == shown
        else:
            for rate, text in shown.items():
                close = pytest.approx(float(text), rel=1e-12, abs=1 if whole_hashes else 0.011)
                assert float(found[window.name][rate]) == close


def _get(client: httpx2.Client, path: str, **parameters: Any) -> Any:
    answer = client.get(f"{BASE}/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _batches(entities: Mapping[str, Minutes], size: int) -> Iterator[Sequence[str]]:
    ids = iter(entities)
    while batch := list(islice(ids, size)):
        yield batch
