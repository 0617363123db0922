"""What the API must answer, from the simulator's truth: plain sums over plain minutes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from schemas.units import format_hps
from schemas.windows import PERIODS, WINDOWS, PeriodSpec, WindowSpec, floor_to

Worker = tuple[str, str]
Minutes = dict[int, tuple[float, float]]
"""Minute (epoch seconds) → accepted and rejected difficulty."""


def read_truth(path: Path) -> dict[Worker, Minutes]:
    """Minutes by worker."""
    columns = json.loads(path.read_text())
    workers: dict[Worker, Minutes] = defaultdict(dict)
    rows = zip(
        columns["account_name"],
        columns["worker_name"],
        columns["minute_s"],
        columns["accepted"],
        columns["rejected"],
        strict=True,
    )
    for account, worker, minute, accepted, rejected in rows:
        workers[account, worker][minute] = (accepted, rejected)
    return dict(workers)


def summed(parts: Iterable[Minutes]) -> Minutes:
    """A miner's or the pool's minutes: the sum of its workers'."""
    total: dict[int, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
    for part in parts:
        for minute, (accepted, rejected) in part.items():
            total[minute] = (total[minute][0] + accepted, total[minute][1] + rejected)
    return dict(total)


def stats(minutes: Minutes, watermark_s: int) -> dict[str, Any]:
    return {
        window.name: _rates(_window(minutes, window, watermark_s), window.span_s)
        for window in WINDOWS
    }


def _window(minutes: Minutes, window: WindowSpec, watermark_s: int) -> tuple[float, float]:
    """The oldest bucket counts by the whole minutes of it that are still inside."""
    start_s = watermark_s - window.span_s
    oldest_s = floor_to(start_s, window.bucket_s)
    inside = (oldest_s + window.bucket_s - start_s) // 60
    weight = inside / (window.bucket_s // 60)
    oldest = _between(minutes, oldest_s, oldest_s + window.bucket_s)
    newer = _between(minutes, oldest_s + window.bucket_s, watermark_s)
    return (newer[0] + oldest[0] * weight, newer[1] + oldest[1] * weight)


def chart(minutes: Minutes, period: PeriodSpec, watermark_s: int) -> list[dict[str, Any]]:
    end_s = floor_to(watermark_s, period.interval_s)
    starts = range(end_s - period.span_s, end_s, period.interval_s)
    return [
        {"timestamp": start_s}
        | _rates(_between(minutes, start_s, start_s + period.interval_s), period.interval_s)
        for start_s in starts
    ]


def charts(minutes: Minutes, watermark_s: int) -> dict[str, list[dict[str, Any]]]:
    return {period.period: chart(minutes, period, watermark_s) for period in PERIODS}


def _between(minutes: Minutes, start_s: int, end_s: int) -> tuple[float, float]:
    inside = [sums for minute, sums in minutes.items() if start_s <= minute < end_s]
    return (sum(accepted for accepted, _ in inside), sum(rejected for _, rejected in inside))


def _rates(sums: tuple[float, float], span_s: int) -> dict[str, str]:
    return {"hashrate": format_hps(sums[0], span_s), "rejectrate": format_hps(sums[1], span_s)}
