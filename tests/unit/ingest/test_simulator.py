"""The simulator: the same seed gives the same shares, and the truth is what was sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest

from aggregator.intake.config import IntakeConfig
from ingest.errors import RetryableError
from ingest.kafka.producer import ShareMessage
from ingest.simulator import Outage, Simulator, SimulatorConfig, SourceOutage
from ingest.simulator.fleet import build_fleet
from schemas.batch import shares_of
from schemas.runtime.clock import ManualClock
from schemas.share import Share, ShareResult

START_MS = 1_790_265_600_000  # a full hour
HOUR = SimulatorConfig(workers=40, accounts=5, start_ms=START_MS, duration_s=3_600, speed=None)
QUIET = {"outages_per_day": 0.0, "reconnects_per_day": 0.0}


class ListSink:
    """Keeps messages; fails as often as told before it takes the next one."""

    def __init__(self, failures: int = 0) -> None:
        self.messages: list[ShareMessage] = []
        self.failures = failures

    async def partitions(self) -> int:
        return 4

    async def send(self, message: ShareMessage) -> None:
        if self.failures:
            self.failures -= 1
            raise RetryableError("not now")
        self.messages.append(message)

    def shares(self) -> list[Share]:
        return [share for message in self.messages for share in shares_of(message.batch)]


def config(**changes: Any) -> SimulatorConfig:
    base = {name: getattr(HOUR, name) for name in HOUR.__slots__}
    return SimulatorConfig(**(base | changes))


async def play(
    settings: SimulatorConfig, sink: ListSink | None = None
) -> tuple[Simulator, ListSink]:
    sink = sink or ListSink()
    simulator = Simulator(settings)
    summary = await simulator.run(sink, stop=asyncio.Event())
    assert summary.shares == len(sink.shares()) - _repeated(sink)
    return simulator, sink


def _repeated(sink: ListSink) -> int:
    seen: set[tuple[str, int]] = set()
    extra = 0
    for message in sink.messages:
        identity = (message.producer_id, message.sequence)
        extra += len(message.batch) if identity in seen else 0
        seen.add(identity)
    return extra


def sums(shares: Iterable[Share]) -> Counter[tuple[int, str, str, ShareResult]]:
    found: Counter[tuple[int, str, str, ShareResult]] = Counter()
    for share in shares:
        minute_s = share.timestamp_ms // 60_000 * 60
        found[minute_s, share.account_name, share.worker_name, share.result] += share.difficulty  # type: ignore[assignment]
    return found


async def test_same_seed_gives_the_same_shares_at_any_slice_length() -> None:
    _, once = await play(config())
    _, again = await play(config(fast_flush_s=7.0))
    _, other = await play(config(seed=2))
    assert sums(once.shares()) == sums(again.shares())
    assert sums(once.shares()) != sums(other.shares())


async def test_any_part_of_a_day_is_the_same_part() -> None:
    _, whole = await play(config(workers=40))
    _, tail = await play(config(start_ms=START_MS + 1_800_000, duration_s=1_800))
    late = [share for share in whole.shares() if share.timestamp_ms >= START_MS + 1_800_000]
    assert sums(late) == sums(tail.shares())


async def test_truth_equals_the_shares_that_were_sent() -> None:
    simulator, sink = await play(config(late_ratio=0.01, clock_skew_max_ms=90_000))
    expected = sums(sink.shares())
    columns = simulator.truth.columns()
    found: Counter[tuple[int, str, str, ShareResult]] = Counter()
    for i, minute_s in enumerate(columns["minute_s"].tolist()):
        key = (minute_s, columns["account_name"][i], columns["worker_name"][i])
        for result in ShareResult:
            column = "accepted" if result is ShareResult.ACCEPTED else result.wire
            if columns[column][i]:
                found[*key, result] = columns[column][i]
    assert found == expected
    assert columns["accepted_count"].sum() + columns["rejected_count"].sum() == len(sink.shares())


async def test_vardiff_gives_each_worker_a_share_about_every_ten_seconds() -> None:
    _, sink = await play(config(**QUIET))
    per_worker = Counter((share.account_name, share.worker_name) for share in sink.shares())
    # A power of two is off by √2 at most: 255 to 509 expected, and four standard deviations.
    assert len(per_worker) == 40
    assert all(255 - 64 < count < 509 + 90 for count in per_worker.values())


async def test_hashrate_of_the_shares_is_the_nominal_one() -> None:
    simulator, sink = await play(config(workers=80, reject_ratio=0.0, **QUIET))
    found = sum(share.difficulty for share in sink.shares()) * 2**32 / 3_600
    assert found == pytest.approx(simulator.fleet.nominal_hps.sum(), rel=0.03)


@pytest.mark.parametrize("difficulties", ["power_of_two", "whole"])
async def test_difficulties_are_whole(difficulties: str) -> None:
    _, sink = await play(config(difficulties=difficulties))
    values = np.array([share.difficulty for share in sink.shares()])
    assert (values >= 1).all()
    assert (values == np.round(values)).all()
    if difficulties == "power_of_two":
        assert (np.log2(values) == np.round(np.log2(values))).all()


async def test_reject_mix_is_kept() -> None:
    mix = {ShareResult.STALE: 3.0, ShareResult.INVALID: 1.0}
    _, sink = await play(config(workers=100, reject_ratio=0.1, reject_mix=mix))
    results = Counter(share.result for share in sink.shares())
    rejected = results[ShareResult.STALE] + results[ShareResult.INVALID]
    assert rejected + results[ShareResult.ACCEPTED] == sum(results.values())
    assert rejected / sum(results.values()) == pytest.approx(0.1, abs=0.01)
    assert results[ShareResult.STALE] / rejected == pytest.approx(0.75, abs=0.03)


async def test_worker_is_silent_during_its_outage() -> None:
    simulator, sink = await play(config(outages=(Outage(3, 600, 1_800),), **QUIET))
    times = [
        (share.timestamp_ms - START_MS) / 1_000
        for share in sink.shares()
        if (share.account_name, share.worker_name) == simulator.fleet.keys[3]
    ]
    assert any(time < 600 for time in times)
    assert any(time >= 1_800 for time in times)
    assert not any(600 <= time < 1_800 for time in times)


async def test_source_outage_silences_or_moves_its_workers() -> None:
    dead = (SourceOutage(0, 600, 1_200), SourceOutage(1, 600, 1_200, failover=True))
    _, sink = await play(config(source_outages=dead, **QUIET))
    during = Counter(
        share.source
        for share in sink.shares()
        if 600 <= (share.timestamp_ms - START_MS) / 1_000 < 1_200
    )
    assert set(during) == {"stratum-3"}
    assert len({share.source for share in sink.shares()}) == 3


async def test_workers_reconnect_to_another_source() -> None:
    _, sink = await play(config(reconnects_per_day=48.0, outages_per_day=0.0))
    sources: dict[str, set[str | None]] = {}
    for share in sink.shares():
        sources.setdefault(share.worker_name, set()).add(share.source)
    assert max(len(seen) for seen in sources.values()) > 1


async def test_record_timestamp_is_the_newest_share_and_rises_per_source() -> None:
    _, sink = await play(config())
    last: dict[str, int] = {}
    for message in sink.messages:
        assert message.timestamp_ms == int(message.batch.timestamp_ms.max())
        assert message.timestamp_ms >= last.get(message.key, 0)
        last[message.key] = message.timestamp_ms


async def test_sequences_rise_per_producer() -> None:
    _, sink = await play(config())
    last: dict[str, int] = {}
    for message in sink.messages:
        assert message.sequence > last.get(message.producer_id, 0)
        last[message.producer_id] = message.sequence


async def test_duplicates_bear_the_same_identity_and_are_not_in_the_truth() -> None:
    simulator, sink = await play(config(duplicate_ratio=0.3))
    assert _repeated(sink) > 0
    columns = simulator.truth.columns()
    counted = int(columns["accepted_count"].sum() + columns["rejected_count"].sum())
    assert counted == len(sink.shares()) - _repeated(sink)


async def test_late_shares_come_with_a_later_record() -> None:
    _, sink = await play(config(late_ratio=0.05, late_max_s=1_200))
    late = [
        message.timestamp_ms - message.batch.timestamp_ms.min()
        for message in sink.messages
        if len(message.batch)
    ]
    assert 600_000 < max(late) <= 1_260_000
    _, plain = await play(config())
    assert sums(share for share in plain.shares()).keys() & sums(sink.shares()).keys()


async def test_final_share_stands_on_every_partition_at_the_very_end() -> None:
    _, sink = await play(config(final_share_per_partition=True))
    finals = sink.messages[-4:]
    assert [message.partition for message in finals] == [0, 1, 2, 3]
    assert {message.timestamp_ms for message in finals} == {START_MS + 3_600_000}
    assert [len(message.batch) for message in finals] == [1, 1, 1, 1]


async def test_unavailable_sink_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.kafka.producer.RETRY_FIRST_S", 0.001)
    _, plain = await play(config())
    _, shaky = await play(config(), ListSink(failures=5))
    assert sums(plain.shares()) == sums(shaky.shares())


async def test_stop_ends_the_run_with_the_truth_of_what_was_sent(tmp_path: Path) -> None:
    stop, path = asyncio.Event(), tmp_path / "truth.json"
    simulator, sink = Simulator(config(duration_s=None, truth_path=path)), ListSink()

    summary = await simulator.run(
        sink, stop=stop, progress=lambda at: stop.set() if at.shares > 500 else None
    )
    assert 500 < summary.shares < 5_000
    columns = simulator.truth.columns()
    assert columns["accepted_count"].sum() + columns["rejected_count"].sum() == summary.shares


async def test_live_mode_waits_for_the_time_of_the_shares() -> None:
    sink = ListSink()
    simulator = Simulator(SimulatorConfig(backfill_s=1_800, duration_s=1_801, flush_s=0.5))
    summary = await simulator.run(sink, stop=asyncio.Event())
    assert summary.end_ms - summary.start_ms == 1_801_000
    backfilled = [m for m in sink.messages if m.timestamp_ms < summary.end_ms - 61_000]
    # The past goes out in messages of a minute per source: not 1,800 × 2 × 3 small ones.
    assert 0 < len(backfilled) < 31 * 3 + 3


@pytest.mark.parametrize("rows", [1, 1_000, 1_000_000])
async def test_truth_in_parts_is_the_whole(rows: int) -> None:
    simulator, _ = await play(config(late_ratio=0.01))
    whole, parts = simulator.truth.columns(), [*simulator.truth.parts(rows)]
    assert len(parts) == {1: 60, 1_000: 3, 1_000_000: 1}[rows]
    for name, values in whole.items():
        assert [*chain.from_iterable(part[name] for part in parts)] == [*values], name


async def test_truth_of_nothing_is_a_table_like_any_other(tmp_path: Path) -> None:
    stop, path = asyncio.Event(), tmp_path / "truth.parquet"
    stop.set()
    await Simulator(config(truth_path=path)).run(ListSink(), stop=stop)
    table = pq.read_table(path)
    assert len(table) == 0
    assert table.schema.field("worker_name").type == "string"


@pytest.mark.parametrize("name", ["truth.json", "truth.parquet"])
async def test_truth_and_plan_are_written(tmp_path: Path, name: str) -> None:
    path = tmp_path / "deep" / name
    outage = Outage(3, 600, 1_800)
    simulator, _ = await play(config(truth_path=path, outages=(outage,), **QUIET))
    expected = simulator.truth.columns()
    if path.suffix == ".json":
        written = orjson.loads(path.read_bytes())
    else:
        written = pq.read_table(path).to_pydict()
    assert written["accepted"] == expected["accepted"].tolist()
    assert written["worker_name"] == expected["worker_name"]
    plan = orjson.loads((tmp_path / "deep" / "truth.plan.json").read_bytes())
    assert plan["outages"] == [[3, START_MS + 600_000, START_MS + 1_800_000]]
    assert len(plan["workers"]) == 40


async def test_history_is_all_of_yesterday_and_today_in_some_of_its_minutes() -> None:
    """The same hashrate as live shares, in one minute of five."""
    settings = config(workers=10, accounts=2, duration_s=600, history_step_s=300, **QUIET)
    sink = ListSink()
    await Simulator(settings, ManualClock(START_MS)).run(sink, stop=asyncio.Event())
    first_ms = START_MS - START_MS % 86_400_000 - 86_400_000
    history = [share for share in sink.shares() if share.timestamp_ms < START_MS]
    live = [share for share in sink.shares() if share.timestamp_ms >= START_MS]
    minutes = {share.timestamp_ms // 60_000 for share in history}
    assert minutes == set(range(first_ms // 60_000, START_MS // 60_000, 5))
    spans_s = ((START_MS - first_ms) / 1_000, 600)
    hashrates = [
        sum(share.difficulty for share in shares) / span_s
        for shares, span_s in zip((history, live), spans_s, strict=True)
    ]
    assert hashrates[0] == pytest.approx(hashrates[1], rel=0.3)


@pytest.mark.parametrize("minutes", [1, 4])
async def test_history_ends_where_live_shares_begin(minutes: int) -> None:
    """Its last minute stands for those until then only, or they would count twice."""
    now_ms = START_MS - START_MS % 300_000 + minutes * 60_000
    settings = config(
        start_ms=now_ms, workers=400, accounts=2, duration_s=60, history_step_s=300, **QUIET
    )
    sink = ListSink()
    await Simulator(settings, ManualClock(now_ms)).run(sink, stop=asyncio.Event())
    work: Counter[int] = Counter()
    for share in sink.shares():
        if share.timestamp_ms < now_ms:
            work[share.timestamp_ms // 60_000] += round(share.difficulty)
    *others, last = (work[minute] for minute in sorted(work))
    assert last / (sum(others) / len(others)) == pytest.approx(minutes / 5, rel=0.2)


@pytest.mark.parametrize("workers", [300, 24_000, 60_000, 200_000])
def test_no_account_has_more_workers_than_intake_keeps_apart(workers: int) -> None:
    accounts = Counter(account for account, _ in build_fleet(SimulatorConfig(workers=workers)).keys)
    assert max(accounts.values()) < IntakeConfig().workers_per_miner
    assert accounts["farm_001"] == max(accounts.values())
