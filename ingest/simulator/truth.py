"""What the simulator really sent, so that a test can compare every figure with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingest.simulator.config import SimulatorConfig
from ingest.simulator.fleet import Fleet, Floats
from ingest.simulator.minute import Shares
from ingest.simulator.plan import Plan
from schemas.share import REJECT_REASONS, ShareResult
from schemas.windows import MINUTE_S

RESULTS = len(ShareResult)
_MINUTE_MS = MINUTE_S * 1_000
# Rows of a row group in the file.
_ROWS = 250_000


class Cells(NamedTuple):
    """Sums by worker and result, each cell once; arrays of one length."""

    code: NDArray[np.integer[Any]]
    """worker * RESULTS + result, within a minute (int32); minutes before it (int64)."""
    shares: NDArray[np.int32]
    work: Floats


_NOTHING: Final = Cells(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0))


class Truth:
    """Sums per minute and worker of the shares that were acknowledged; repeats are not in it.

    Memory grows with worker minutes, not with shares: 16 bytes for each, at most twice as much.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._names = np.array(fleet.keys, dtype=object).reshape(-1, 2)
        self._codes_per_minute = len(fleet) * RESULTS
        # Of each minute some pieces, the larger ones first.
        self._minutes: defaultdict[int, list[Cells]] = defaultdict(list)

    def add(self, shares: Shares) -> None:
        minute = shares.timestamp_ms // _MINUTE_MS
        code = minute * self._codes_per_minute + shares.worker * RESULTS + shares.result
        cells = _folded([Cells(code, np.ones(len(code), np.int32), shares.difficulty)])
        minute, code = np.divmod(cells.code, self._codes_per_minute)
        # Late shares are of other minutes than those beside them.
        starts = np.flatnonzero(np.diff(minute, prepend=-1)).tolist()
        for start, end in pairwise([*starts, len(minute)]):
            own = slice(start, end)
            # Copies: views would keep all cells of the slice.
            part = code[own].astype(np.int32), cells.shares[own].copy(), cells.work[own].copy()
            self._put(int(minute[start]), Cells(*part))

    def columns(self) -> dict[str, Any]:
        """Rows by minute and worker, with the columns of `worker_minutes`; times in epoch seconds.

        `accepted`, `rejected` and the reasons are sums of difficulty; `{reason}_count` counts.
        """
        return self._columns(sorted(self._minutes))

    def parts(self, rows: int = _ROWS) -> Iterator[dict[str, Any]]:
        """The same in parts, of so many rows or those of a minute more."""
        minutes: list[int] = []
        size = 0
        for minute in sorted(self._minutes):
            minutes.append(minute)
            size += sum(len(cells.code) for cells in self._minutes[minute])
            if size >= rows:
                yield self._columns(minutes)
                minutes, size = [], 0
        if minutes or not self._minutes:
            yield self._columns(minutes)

    def _put(self, minute: int, cells: Cells) -> None:
        """Fold with the pieces that are less than twice as large, as a binary counter carries: so
        each cell is folded a few times only, whatever the number of slices."""
        pieces = self._minutes[minute]
        while pieces and len(pieces[-1].code) < 2 * len(cells.code):
            cells = _folded([pieces.pop(), cells])
        pieces.append(cells)

    def _columns(self, minutes: Sequence[int]) -> dict[str, Any]:
        pieces = (self._with_minute(each, own) for each in minutes for own in self._minutes[each])
        cells = _folded([_NOTHING, *pieces])
        cell, row = np.unique(cells.code // RESULTS, return_inverse=True)
        count = np.zeros((len(cell), RESULTS), np.int64)
        work = np.zeros((len(cell), RESULTS))
        count[row, cells.code % RESULTS] = cells.shares
        work[row, cells.code % RESULTS] = cells.work
        minute, worker = np.divmod(cell, len(self._names))
        return {
            "minute_s": minute * MINUTE_S,
            "account_name": self._names[worker, 0].tolist(),
            "worker_name": self._names[worker, 1].tolist(),
            "accepted_count": count[:, 0],
            "rejected_count": count[:, 1:].sum(axis=1),
            "accepted": work[:, 0],
            "rejected": work[:, 1:].sum(axis=1),
            **{reason: work[:, i + 1] for i, reason in enumerate(REJECT_REASONS)},
            **{f"{reason}_count": count[:, i + 1] for i, reason in enumerate(REJECT_REASONS)},
        }

    def _with_minute(self, minute: int, cells: Cells) -> Cells:
        code = minute * self._codes_per_minute + cells.code.astype(np.int64)
        return cells._replace(code=code)


def _folded(pieces: Sequence[Cells]) -> Cells:
    codes, shares, works = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
    code, place = np.unique(codes, return_inverse=True)
    return Cells(
        code,
        np.bincount(place, weights=shares, minlength=len(code)).astype(np.int32),
        np.bincount(place, weights=works, minlength=len(code)).astype(np.float64),
    )


def write_truth(path: Path, truth: Truth) -> None:
    """`.parquet` or `.json` (columns as lists), by the name of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        path.write_bytes(orjson.dumps(truth.columns(), default=np.ndarray.tolist))
        return
    parts = map(_table, truth.parts())
    first = next(parts)
    with pq.ParquetWriter(path, first.schema) as writer:
        for part in chain([first], parts):
            writer.write_table(part)


def _table(columns: dict[str, Any]) -> pa.Table:
    # Names are lists. A part without rows has types, too.
    arrays = {
        name: pa.array(values, pa.string()) if isinstance(values, list) else pa.array(values)
        for name, values in columns.items()
    }
    return pa.table(arrays)


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
