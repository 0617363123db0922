"""Shares in columns: what decoders return and the fold adds up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.share import Share, ShareResult

WorkerKey = tuple[str, str]
"""(account_name, worker_name)"""


@dataclass(frozen=True, slots=True)
class ShareDetails:
    """What some feeds say beside the work of a share, for all shares of a batch.

    share_difficulty  float64[n]  the difficulty it reached; NaN if the share does not say
    agent             int32[n]    index into `agents`; -1 if the share names none
    """

    share_difficulty: NDArray[np.float64]
    agent: NDArray[np.int32]
    agents: Sequence[str]

    def filter(self, keep: NDArray[np.bool_]) -> ShareDetails:
        return ShareDetails(self.share_difficulty[keep], self.agent[keep], self.agents)


@dataclass(frozen=True, slots=True)
class ShareBatch:
    """Shares as columns of equal length `n`, with names behind dictionary codes.

    timestamp_ms  int64[n]    when the stratum server judged the share
    worker        int32[n]    index into `workers`
    difficulty    float64[n]  assigned difficulty, finite and > 0
    result        uint8[n]    a `ShareResult`
    source        int32[n]    index into `sources`; -1 if the share names none
    details       None if no share of the batch has any
    """

    timestamp_ms: NDArray[np.int64]
    worker: NDArray[np.int32]
    difficulty: NDArray[np.float64]
    result: NDArray[np.uint8]
    source: NDArray[np.int32]
    workers: Sequence[WorkerKey]
    sources: Sequence[str]
    details: ShareDetails | None = None

    def __len__(self) -> int:
        return len(self.timestamp_ms)

    def filter(self, keep: NDArray[np.bool_]) -> ShareBatch:
        """The shares for which `keep` (bool[n]) is true; the dictionaries stay whole."""
        return ShareBatch(
            self.timestamp_ms[keep],
            self.worker[keep],
            self.difficulty[keep],
            self.result[keep],
            self.source[keep],
            self.workers,
            self.sources,
            self.details and self.details.filter(keep),
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
        details_of([(share.share_difficulty, share.agent) for share in rows]),
    )


def details_of(pairs: Sequence[tuple[float | None, str | None]]) -> ShareDetails | None:
    """Columns of (share_difficulty, agent); None if nothing is said of any share."""
    if not any(reached is not None or agent is not None for reached, agent in pairs):
        return None
    agents: dict[str, int] = {}
    return ShareDetails(
        np.array([np.nan if reached is None else reached for reached, _ in pairs], np.float64),
        np.array(
            [-1 if agent is None else agents.setdefault(agent, len(agents)) for _, agent in pairs],
            np.int32,
        ),
        list(agents),
    )


def shares_of(batch: ShareBatch) -> Iterable[Share]:
    """The inverse of `batch_of`, for dead letters, examples and tests."""
    for i in range(len(batch)):
        account, worker = batch.workers[batch.worker[i]]
        source = int(batch.source[i])
        reached, agent = _details_at(batch.details, i)
        yield Share(
            int(batch.timestamp_ms[i]),
            account,
            worker,
            float(batch.difficulty[i]),
            ShareResult(int(batch.result[i])),
            None if source < 0 else batch.sources[source],
            reached,
            agent,
        )


def _details_at(details: ShareDetails | None, i: int) -> tuple[float | None, str | None]:
    if details is None:
        return None, None
    reached, agent = float(details.share_difficulty[i]), int(details.agent[i])
    return None if np.isnan(reached) else reached, None if agent < 0 else details.agents[agent]
