"""What the simulator really sent, so that a test can compare every figure with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.simulator.config import SimulatorConfig
from ingest.simulator.fleet import Fleet, Floats, Ints
from ingest.simulator.minute import Shares
from ingest.simulator.plan import Plan
from schemas.share import REJECT_REASONS, ShareResult
from schemas.windows import MINUTE_S

RESULTS = len(ShareResult)
_MINUTE_MS = MINUTE_S * 1_000


class Truth:
    """Sums per minute and worker of the shares that were acknowledged; repeats are not in it.

    Keeps one small table per slice and folds them when there are many: memory grows with worker
    minutes, not with shares.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._codes: list[Ints] = []
        self._counts: list[Ints] = []
        self._sums: list[Floats] = []

    def add(self, shares: Shares) -> None:
        minute = shares.timestamp_ms // _MINUTE_MS
        code = (minute * len(self._fleet) + shares.worker) * RESULTS + shares.result
        self._append(*_fold(code, np.ones(len(code), np.int64), shares.difficulty))
        if len(self._codes) > 512:
            self._merge()

    def columns(self) -> dict[str, Any]:
        """Rows by minute and worker, with the columns of `worker_minutes`; times in epoch seconds.

        `accepted`, `rejected` and the reasons are sums of difficulty; `{reason}_count` counts.
        """
        self._merge()
        cell, result = self._codes[0] // RESULTS, self._codes[0] % RESULTS
        cells, row = np.unique(cell, return_inverse=True)
        counts = np.zeros((len(cells), RESULTS), np.int64)
        sums = np.zeros((len(cells), RESULTS))
        counts[row, result] = self._counts[0]
        sums[row, result] = self._sums[0]
        keys = [self._fleet.keys[i] for i in (cells % len(self._fleet)).tolist()]
        return {
            "minute_s": (cells // len(self._fleet)) * MINUTE_S,
            "account_name": [account for account, _ in keys],
            "worker_name": [worker for _, worker in keys],
            "accepted_count": counts[:, 0],
            "rejected_count": counts[:, 1:].sum(axis=1),
            "accepted": sums[:, 0],
            "rejected": sums[:, 1:].sum(axis=1),
            **{reason: sums[:, i + 1] for i, reason in enumerate(REJECT_REASONS)},
            **{f"{reason}_count": counts[:, i + 1] for i, reason in enumerate(REJECT_REASONS)},
        }

    def _append(self, codes: Ints, counts: Ints, sums: Floats) -> None:
        self._codes.append(codes)
        self._counts.append(counts)
        self._sums.append(sums)

    def _merge(self) -> None:
        empty = np.zeros(0, np.int64)
        codes, counts = (
            np.concatenate([empty, *self._codes]),
            np.concatenate([empty, *self._counts]),
        )
        sums = np.concatenate([np.zeros(0), *self._sums])
        self._codes, self._counts, self._sums = [], [], []
        self._append(*_fold(codes, counts, sums))


def _fold(codes: Ints, counts: Ints, sums: Floats) -> tuple[Ints, Ints, Floats]:
    distinct, place = np.unique(codes, return_inverse=True)
    size = len(distinct)
    return (
        distinct,
        np.bincount(place, weights=counts, minlength=size).astype(np.int64),
        np.bincount(place, weights=sums, minlength=size).astype(np.float64),
    )


def write_truth(path: Path, truth: Truth) -> None:
    """`.parquet` or `.json` (columns as lists), by the name of the file."""
    columns = truth.columns()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_bytes(orjson.dumps(columns, default=np.ndarray.tolist))
    else:
        pq.write_table(pa.table(columns), path)


def plan_document(
    config: SimulatorConfig, fleet: Fleet, plan: Plan, *, start_ms: int, end_ms: int
) -> dict[str, Any]:
    """What was meant to happen: the fleet, the outages and the reconnects of the span."""
    outages = plan.outages(start_ms, end_ms)
    moves = plan.reconnects(start_ms, end_ms)
    return {
        "config": asdict(config)
        | {"reject_mix": {reason.wire: odds for reason, odds in config.reject_mix.items()}},
        "start_ms": start_ms,
        "end_ms": end_ms,
        "sources": fleet.sources,
        "workers": [
            {"account_name": account, "worker_name": worker, "nominal_hps": nominal}
            for (account, worker), nominal in zip(
                fleet.keys, fleet.nominal_hps.tolist(), strict=True
            )
        ],
        "outages": [list(row) for row in zip(*_lists(outages), strict=True)],
        "reconnects": [[who, at_ms] for who, at_ms, _ in zip(*_lists(moves), strict=True)],
    }


def _lists(spans: Any) -> tuple[list[int], list[int], list[int]]:
    return spans.who.tolist(), spans.start_ms.tolist(), spans.end_ms.tolist()


def write_plan(path: Path, document: dict[str, Any]) -> None:
    """JSON beside the truth: `truth.parquet` → `truth.plan.json`."""
    text = orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2)
    path.with_suffix(".plan.json").write_bytes(text)
