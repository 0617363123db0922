"""What one status sweep must know of those before it, beside the columns of the workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.status.rule import NEVER_RESUMED_S, Seconds
from aggregator.figures.status.share_rate import CountClock
from aggregator.figures.status.sources import SourceState, SourceWatch
from aggregator.figures.worker_arrays import COUNT_MINUTES

Indices = NDArray[np.intp]


class ShareRows(Protocol):
    """Worker minutes as columns of length n; each (minute, index) at most once, in any order."""

    @property
    def minute_s(self) -> Seconds: ...
    @property
    def index(self) -> Indices: ...
    @property
    def accepted_count(self) -> NDArray[np.int64]: ...
    @property
    def last_share_s(self) -> Seconds: ...
    @property
    def source_id(self) -> NDArray[np.int32]: ...


@dataclass(frozen=True, slots=True)
class Rows:
    """`ShareRows` as plain arrays. Rows without an accepted share are ignored by the sweep."""

    minute_s: Seconds
    index: Indices
    accepted_count: NDArray[np.int64]
    last_share_s: Seconds
    source_id: NDArray[np.int32]

    @classmethod
    def none(cls) -> Rows:
        """A cycle in which nothing came in; silence goes on."""
        empty = np.empty(0, np.int64)
        return cls(empty, np.empty(0, np.intp), empty, empty, np.empty(0, np.int32))


@dataclass(frozen=True, slots=True)
class SweepState:
    """What the database keeps of the sweep before."""

    judged_to_s: int | None
    resumed_s: int
    sources: tuple[SourceState, ...]


class AttributedWorkers:
    """Workers (by index) whose silence is laid to their source; grows with the indices."""

    def __init__(self, flags: NDArray[np.bool_] | None = None) -> None:
        self._flags = np.zeros(0, np.bool_) if flags is None else flags

    def read(self, indices: Indices) -> NDArray[np.bool_]:
        self._reserve(indices)
        return self._flags[indices]

    def write(self, indices: Indices, attributed: NDArray[np.bool_] | bool) -> None:
        self._reserve(indices)
        self._flags[indices] = attributed

    def copy(self) -> AttributedWorkers:
        return AttributedWorkers(self._flags.copy())

    def _reserve(self, indices: Indices) -> None:
        missing = int(indices.max(initial=-1)) + 1 - len(self._flags)
        if missing > 0:
            self._flags = np.pad(self._flags, (0, max(missing, len(self._flags))))


@dataclass(slots=True)
class SweepMemory:
    """Not thread-safe: the leader's task owns it.

    After a transaction that was rolled back the leader restores its columns and goes on with the
    `copy` that it took before the sweep.
    """

    clock: CountClock
    sources: SourceWatch
    attributed: AttributedWorkers
    judged_to_s: int | None = None
    resumed_s: int = NEVER_RESUMED_S

    @classmethod
    def new(cls) -> SweepMemory:
        return cls(CountClock(COUNT_MINUTES), SourceWatch(), AttributedWorkers())

    @classmethod
    def restored(cls, state: SweepState, *, attributed: Indices) -> SweepMemory:
        """As the leader before this one left it; `attributed` as the store has them."""
        memory = cls.new()
        memory.sources.load(list(state.sources))
        memory.attributed.write(attributed, attributed=True)
        memory.judged_to_s, memory.resumed_s = state.judged_to_s, state.resumed_s
        return memory

    def state(self) -> SweepState:
        return SweepState(self.judged_to_s, self.resumed_s, tuple(self.sources.states()))

    def copy(self) -> SweepMemory:
        clock = CountClock(COUNT_MINUTES)
        clock.newest_s = self.clock.newest_s
        return SweepMemory(
            clock, self.sources.copy(), self.attributed.copy(), self.judged_to_s, self.resumed_s
        )
