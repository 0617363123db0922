"""Stratum servers that fall silent as a whole, so that their workers' silence has a cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.status.rule import Seconds
from aggregator.figures.status.share_rate import CountClock, share_intervals
from aggregator.figures.worker_arrays import COUNT_MINUTES, NEVER_S, NONE_ID, StatusColumns
from schemas.worker import EventKind, StatusPolicy

HEARD: Final = 0
"""`silent_since_s` of a source that is not silent."""

_NEVER_SILENT_S: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One source went silent (or came back) with `workers` recently active workers on it."""

    kind: EventKind
    source_id: int
    at_s: int
    workers: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the database keeps of a source between two runs of the leader."""

    source_id: int
    last_share_s: int
    share_interval_s: float
    silent_since_s: int
    workers: int
    back_s: int


class SourceWatch:
    """Last share, own interval and silence of each source, by its id.

    Not thread-safe: the leader's task owns it. Arrays are indexed by `source_id`, since ids are
    dense and sources few. Id 0 is 'no source named' and is never watched.
    """

    def __init__(self) -> None:
        self._clock = CountClock(COUNT_MINUTES)
        self._counts = np.zeros((COUNT_MINUTES, 1), np.uint32)
        self.last_share_s: Seconds = np.zeros(1, np.int64)
        self.share_interval_s: NDArray[np.float64] = np.zeros(1)
        self.silent_since_s: Seconds = np.zeros(1, np.int64)
        self.back_s: Seconds = np.zeros(1, np.int64)
        self._judged_s: Seconds = np.zeros(1, np.int64)
        self._workers = np.zeros(1, np.int64)

    def load(self, states: list[SourceState]) -> None:
        """What was stored, before the first sweep of a new leader."""
        for state in states:
            self._reserve(state.source_id)
            self.last_share_s[state.source_id] = state.last_share_s
            self.share_interval_s[state.source_id] = state.share_interval_s
            self.silent_since_s[state.source_id] = state.silent_since_s
            if state.silent_since_s != HEARD:
                self._judged_s[state.source_id] = state.last_share_s
            self._workers[state.source_id] = state.workers
            self.back_s[state.source_id] = state.back_s

    def states(self) -> Iterator[SourceState]:
        """Every source that was heard, to be stored."""
        for source_id in np.flatnonzero(self.last_share_s != NEVER_S).tolist():
            yield SourceState(
                source_id,
                int(self.last_share_s[source_id]),
                float(self.share_interval_s[source_id]),
                int(self.silent_since_s[source_id]),
                int(self._workers[source_id]),
                int(self.back_s[source_id]),
            )

    def copy(self) -> SourceWatch:
        """For a cycle that may have to be undone."""
        kept = SourceWatch()
        kept._clock = CountClock(COUNT_MINUTES)
        kept._clock.newest_s = self._clock.newest_s
        kept._counts = self._counts.copy()
        kept.last_share_s = self.last_share_s.copy()
        kept.share_interval_s = self.share_interval_s.copy()
        kept.silent_since_s = self.silent_since_s.copy()
        kept.back_s = self.back_s.copy()
        kept._judged_s = self._judged_s.copy()
        kept._workers = self._workers.copy()
        return kept

    def take(
        self,
        minute_s: int,
        *,
        source_id: NDArray[np.int32],
        accepted: NDArray[np.int64],
        last_share_s: Seconds,
        policy: StatusPolicy,
    ) -> list[SourceEvent]:
        """Rows of one minute, of any workers; a silent source that shares again is back."""
        if not len(source_id):
            return []
        heard = self.count(minute_s, source_id=source_id, accepted=accepted)
        latest_s = np.zeros(len(self.last_share_s), np.int64)
        np.maximum.at(latest_s, source_id, last_share_s)
        newer = heard[latest_s[heard] >= self.last_share_s[heard]]
        self.last_share_s[newer] = latest_s[newer]
        self.share_interval_s[newer] = share_intervals(
            self._counts,
            self._clock,
            keys=newer,
            last_share_s=latest_s[newer],
            minute_s=minute_s,
            policy=policy,
        )
        return self._come_back(newer, minute_s)

    def count(
        self, minute_s: int, *, source_id: NDArray[np.int32], accepted: NDArray[np.int64]
    ) -> NDArray[np.intp]:
        """Put the counts of one minute into the ring; the sources that shared in it."""
        self._reserve(int(source_id.max()))
        totals = np.bincount(source_id, accepted, len(self.last_share_s)).astype(np.int64)
        totals[NONE_ID] = 0
        heard = np.flatnonzero(totals)
        in_ring = self._clock.put(self._counts, minute_s, keys=heard, accepted=totals[heard])
        return heard if in_ring else heard[:0]

    def silent_count(self) -> int:
        """How many sources are silent now."""
        return int(np.count_nonzero(self.silent_since_s != HEARD))

    def silent(self, source_id: int) -> bool:
        return source_id < len(self.silent_since_s) and bool(self.silent_since_s[source_id])

    def _come_back(self, heard: NDArray[np.intp], minute_s: int) -> list[SourceEvent]:
        since_s = self.silent_since_s[heard]
        back = heard[(since_s != HEARD) & (self.last_share_s[heard] >= since_s)]
        self.back_s[back] = np.maximum(minute_s, self.silent_since_s[back])
        events = [
            SourceEvent(
                EventKind.SOURCE_BACK,
                source_id,
                int(self.back_s[source_id]),
                int(self._workers[source_id]),
            )
            for source_id in back.tolist()
        ]
        self.silent_since_s[back] = HEARD
        return events

    def run_out(
        self,
        to_s: int,
        *,
        columns: StatusColumns,
        policy: StatusPolicy,
        resumed_s: int,
        shared_s: int = 0,
    ) -> list[SourceEvent]:
        """Sources whose silence became too long by stream time `to_s`, oldest first.

        One that nobody outlasted has at least `shared_s`: all fell silent together.
        """
        limit_s = np.maximum(
            np.ceil(policy.source_silent_intervals * self.share_interval_s),
            policy.source_silent_min_s,
        ).astype(np.int64)
        # After an outage a stratum server may need minutes to reach the broker again.
        grace_s = np.maximum(limit_s, policy.silent_min_s)
        outlasted = self.last_share_s.max() >= self.last_share_s + limit_s
        limit_s = np.where(outlasted, limit_s, np.maximum(limit_s, shared_s))
        due_s = np.maximum(self.last_share_s + limit_s, resumed_s + grace_s)
        # A late share of a silent source moves its last share and does not bring it back: its
        # silence has been published and is not published again.
        due = (self._judged_s != self.last_share_s) & (due_s <= to_s)
        due &= self.silent_since_s == HEARD
        candidates = np.flatnonzero(due)
        if not len(candidates):
            return []
        # Each silence is judged once: how many workers it takes along does not change any more.
        self._judged_s[candidates] = self.last_share_s[candidates]
        active = self._active_workers(columns, policy)
        silent = candidates[active[candidates] >= policy.source_min_workers]
        self.silent_since_s[silent] = due_s[silent]
        self._workers[silent] = active[silent]
        return [
            SourceEvent(EventKind.SOURCE_SILENT, source_id, int(due_s[source_id]), workers)
            for source_id, workers in sorted(
                zip(silent.tolist(), active[silent].tolist(), strict=True),
                key=lambda found: (int(due_s[found[0]]), found[0]),
            )
        ]

    def to_blame(
        self,
        source_id: NDArray[np.int32],
        *,
        due_s: Seconds,
        last_share_s: Seconds,
        policy: StatusPolicy,
    ) -> NDArray[np.bool_]:
        """Whether a worker last seen on `source_id` fell silent together with its source.

        Not one that was silent for `rate_span_s` by then: it is not among those whom the message
        about the source counts, so its miner may get none.
        """
        since_s = self.silent_from(source_id)
        return (due_s >= since_s) & (last_share_s > since_s - policy.rate_span_s)

    def silent_from(self, source_id: NDArray[np.int32]) -> Seconds:
        """Since when each is silent; the end of time for one that is heard, and for none."""
        since_s = self.silent_since_s[self._known(source_id)]
        return np.where(since_s == HEARD, _NEVER_SILENT_S, since_s)

    def back_from(self, source_id: NDArray[np.int32]) -> Seconds:
        """When each came back last; 0 for one that never was silent, and for none."""
        back_s: Seconds = self.back_s[self._known(source_id)]
        return back_s

    def _known(self, source_id: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.where(source_id < len(self.silent_since_s), source_id, NONE_ID)

    def _active_workers(self, columns: StatusColumns, policy: StatusPolicy) -> NDArray[np.int64]:
        """Workers last seen on each source within `rate_span_s` of the source's last share."""
        known = self._known(columns.source_id)
        recent = columns.last_share_s > self.last_share_s[known] - policy.rate_span_s
        return np.bincount(known[recent & (known != NONE_ID)], minlength=len(self.last_share_s))

    def _reserve(self, highest: int) -> None:
        missing = highest + 1 - len(self.last_share_s)
        if missing <= 0:
            return
        self._counts = np.pad(self._counts, ((0, 0), (0, missing)))
        self.last_share_s = np.pad(self.last_share_s, (0, missing))
        self.share_interval_s = np.pad(self.share_interval_s, (0, missing))
        self.silent_since_s = np.pad(self.silent_since_s, (0, missing))
        self.back_s = np.pad(self.back_s, (0, missing))
        self._judged_s = np.pad(self._judged_s, (0, missing))
        self._workers = np.pad(self._workers, (0, missing))
