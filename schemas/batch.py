"""Shares in columns: what decoders return and the fold takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.share import Share, ShareResult

WorkerKey = tuple[str, str]
"""(account_name, worker_name)"""


@dataclass(frozen=True, slots=True)
class ShareBatch:
    """Shares as columns of equal length `n`, with names behind dictionary codes.

    timestamp_ms  int64[n]    when the stratum server judged the share
    worker        int32[n]    index into `workers`
    difficulty    float64[n]  assigned difficulty, finite and > 0
    result        uint8[n]    a `ShareResult`
    source        int32[n]    index into `sources`; -1 where the share names none
    """

    timestamp_ms: NDArray[np.int64]
    worker: NDArray[np.int32]
    difficulty: NDArray[np.float64]
    result: NDArray[np.uint8]
    source: NDArray[np.int32]
    workers: Sequence[WorkerKey]
    sources: Sequence[str]

    def __len__(self) -> int:
        return len(self.timestamp_ms)

    def take(self, keep: NDArray[np.bool_]) -> ShareBatch:
        """The shares where `keep` (bool[n]) is true; the dictionaries stay whole."""
        return ShareBatch(
            self.timestamp_ms[keep],
            self.worker[keep],
            self.difficulty[keep],
            self.result[keep],
            self.source[keep],
            self.workers,
            self.sources,
        )


def batch_of(shares: Iterable[Share]) -> ShareBatch:
    """Columns of share objects, for edges where shares come one by one."""
    rows = list(shares)
    workers: dict[WorkerKey, int] = {}
    sources: dict[str, int] = {}
    worker = [
        workers.setdefault((share.account_name, share.worker_name), len(workers)) for share in rows
    ]
    source = [
        -1 if share.source is None else sources.setdefault(share.source, len(sources))
        for share in rows
    ]
    return ShareBatch(
        np.array([share.timestamp_ms for share in rows], np.int64),
        np.array(worker, np.int32),
        np.array([share.difficulty for share in rows], np.float64),
        np.array([share.result for share in rows], np.uint8),
        np.array(source, np.int32),
        list(workers),
        list(sources),
    )


def shares_of(batch: ShareBatch) -> Iterable[Share]:
    """The inverse of `batch_of`, for dead letters, examples and tests."""
    for i in range(len(batch)):
        account, worker = batch.workers[batch.worker[i]]
        source = int(batch.source[i])
        yield Share(
            int(batch.timestamp_ms[i]),
            account,
            worker,
            float(batch.difficulty[i]),
            ShareResult(int(batch.result[i])),
            None if source < 0 else batch.sources[source],
        )
