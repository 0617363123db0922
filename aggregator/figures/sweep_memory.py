"""What one status sweep must know of those before it, beside the columns of the workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.rates import CountClock
from aggregator.figures.slots import COUNT_MINUTES
from aggregator.figures.sources import SourceState, SourceWatch
from aggregator.figures.status import NEVER_RESUMED_S, Seconds

Slots = NDArray[np.intp]


class ShareRows(Protocol):
    """Worker minutes as columns of length n; each (minute, slot) at most once, in any order."""

    @property
    def minute_s(self) -> Seconds: ...
    @property
    def slot(self) -> Slots: ...
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
    slot: Slots
    accepted_count: NDArray[np.int64]
    last_share_s: Seconds
    source_id: NDArray[np.int32]

    @classmethod
    def none(cls) -> Rows:
        """A beat in which nothing came in; silence goes on."""
        empty = np.empty(0, np.int64)
        return cls(empty, np.empty(0, np.intp), empty, empty, np.empty(0, np.int32))


@dataclass(frozen=True, slots=True)
class SweepState:
    """What the database keeps of the sweep before."""

    swept_to_s: int | None
    resumed_s: int
    sources: tuple[SourceState, ...]


class TakenWorkers:
    """Workers (by slot) whose silence is laid to their source; grows with the slots."""

    def __init__(self, flags: NDArray[np.bool_] | None = None) -> None:
        self._flags = np.zeros(0, np.bool_) if flags is None else flags

    def read(self, slots: Slots) -> NDArray[np.bool_]:
        self._reserve(slots)
        return self._flags[slots]

    def write(self, slots: Slots, taken: NDArray[np.bool_] | bool) -> None:
        self._reserve(slots)
        self._flags[slots] = taken

    def copy(self) -> TakenWorkers:
        return TakenWorkers(self._flags.copy())

    def _reserve(self, slots: Slots) -> None:
        missing = int(slots.max(initial=-1)) + 1 - len(self._flags)
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
    taken: TakenWorkers
    swept_to_s: int | None = None
    resumed_s: int = NEVER_RESUMED_S

    @classmethod
    def new(cls) -> SweepMemory:
        return cls(CountClock(COUNT_MINUTES), SourceWatch(), TakenWorkers())

    @classmethod
    def restored(cls, state: SweepState, *, taken_slots: Slots) -> SweepMemory:
        """As the leader before this one left it; `taken_slots` of `status_store.taken_workers`."""
        memory = cls.new()
        memory.sources.load(list(state.sources))
        memory.taken.write(taken_slots, taken=True)
        memory.swept_to_s, memory.resumed_s = state.swept_to_s, state.resumed_s
        return memory

    def state(self) -> SweepState:
        return SweepState(self.swept_to_s, self.resumed_s, tuple(self.sources.states()))

    def copy(self) -> SweepMemory:
        clock = CountClock(COUNT_MINUTES)
        clock.newest_s = self.clock.newest_s
        return SweepMemory(
            clock, self.sources.copy(), self.taken.copy(), self.swept_to_s, self.resumed_s
        )
