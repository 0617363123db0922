"""Shares and hourly figures → sums by worker and bucket: pure numpy.

shares of one chunk ──fold──▶ buckets as wide as their age asks for ──summed──▶ one row each
                                                                    ──coarsened──▶ wider ones
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.imports.ages import Ages
from aggregator.intake.fold import REASON_COUNT, fold
from schemas.batch import ShareBatch
from schemas.runtime.arrays import distinct
from schemas.windows import MINUTE_S

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_NO_SOURCE: Final = -1


@dataclass(frozen=True, slots=True)
class Buckets:
    """Work as columns of equal length `n`.

    start_s, worker_index   int64[n]       start of the bucket, dense index of the registry
    counts                  int64[2, n]    accepted, rejected shares
    sums                    float64[2, n]  accepted, rejected difficulty
    reasons                 float64[7, n]  rejected difficulty by reason
    """

    start_s: Ints
    worker_index: Ints
    counts: Ints
    sums: Floats
    reasons: Floats

    def __len__(self) -> int:
        return len(self.start_s)

    def chosen(self, rows: NDArray[np.bool_]) -> Buckets:
        return Buckets(
            self.start_s[rows],
            self.worker_index[rows],
            self.counts[:, rows],
            self.sums[:, rows],
            self.reasons[:, rows],
        )

    def coarsened(self, width_s: int) -> Buckets:
        """The same work in buckets of `width_s`, which is a multiple of the width they have."""
        start_s = self.start_s - self.start_s % width_s
        return summed([Buckets(start_s, self.worker_index, self.counts, self.sums, self.reasons)])


def folded(batch: ShareBatch, worker_index: NDArray[np.int32], ages: Ages) -> list[Buckets]:
    """Rows of each width; shares of one width are folded as minutes are, on a slower clock."""
    second_s = batch.timestamp_ms // 1_000
    widths_s = ages.widths_s(second_s)
    return [
        _folded(batch.filter(chosen), worker_index[chosen], width_s // MINUTE_S)
        for width_s in distinct(widths_s).tolist()
        for chosen in (widths_s == width_s,)
    ]


def _folded(batch: ShareBatch, worker_index: NDArray[np.int32], minutes: int) -> Buckets:
    """`minutes` to a bucket: 600 s on a clock that is 15 times slower are the minute from 0 on."""
    rows = fold(
        batch.timestamp_ms // 1_000 // minutes,
        worker_index,
        difficulty=batch.difficulty,
        result=batch.result,
        source=np.full(len(batch), _NO_SOURCE, np.int32),
    )
    reasons = np.zeros((REASON_COUNT, len(rows)))
    reasons[:, rows.reject_row] = rows.reasons
    return Buckets(
        rows.minute_s * minutes,
        rows.worker_index,
        np.stack((rows.accepted_count, rows.rejected_count)),
        np.stack((rows.accepted, rows.rejected)),
        reasons,
    )


def spread(hourly: ShareBatch, ages: Ages, span_s: int) -> tuple[ShareBatch, NDArray[np.intp]]:
    """Hours of days that are kept by the minute, as 60 equal parts; the row that each part is of.

    Whole difficulties stay whole and add up to what they were: the remainder goes to the first
    minutes, a share each, and a fraction to the first of them.
    """
    minutes = span_s // MINUTE_S
    parts = np.where(ages.widths_s(hourly.timestamp_ms // 1_000) == MINUTE_S, minutes, 1)
    row = np.repeat(np.arange(len(hourly)), parts)
    place = np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    of, whole = parts[row], np.floor(hourly.difficulty)[row]
    difficulty = np.floor(whole / of) + (place < whole % of)
    difficulty += np.where(place == 0, hourly.difficulty[row] - whole, 0)
    kept = difficulty > 0
    row, place = row[kept], place[kept]
    batch = ShareBatch(
        hourly.timestamp_ms[row] + place * MINUTE_S * 1_000,
        hourly.worker[row],
        difficulty[kept],
        hourly.result[row],
        hourly.source[row],
        hourly.workers,
        hourly.sources,
    )
    return batch, row


def summed(parts: Sequence[Buckets]) -> Buckets:
    """One row for each worker and bucket, in the order of the rollups' keys."""
    if not parts:
        none = np.empty(0, np.int64)
        empty = np.empty((2, 0))
        return Buckets(none, none, empty.astype(np.int64), empty, np.empty((REASON_COUNT, 0)))
    start_s = np.concatenate([part.start_s for part in parts])
    worker_index = np.concatenate([part.worker_index for part in parts])
    order = np.lexsort((start_s, worker_index))
    start_s, worker_index = start_s[order], worker_index[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (start_s[1:] != start_s[:-1]) | (worker_index[1:] != worker_index[:-1])
    starts = np.flatnonzero(first)

    def runs(name: str) -> NDArray[np.float64]:
        values = np.concatenate([getattr(part, name) for part in parts], axis=1)[:, order]
        sums: NDArray[np.float64] = (
            np.add.reduceat(values, starts, axis=1) if len(starts) else values
        )
        return sums

    return Buckets(
        start_s[starts],
        worker_index[starts],
        runs("counts").astype(np.int64),
        runs("sums"),
        runs("reasons"),
    )
