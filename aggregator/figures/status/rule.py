"""The status rule: how long a worker may be silent, and what its silence makes of it.

    last share        + limit             + off_after        + removed_after
    ──┼─── stable ───────┼─── unavailable ────┼─── off ──────────┼─── removed ───▶ stream time

A pure function of last accepted share, own share interval and stream time, over all workers at
once. `limit` is 26 of the worker's own share intervals, between 5 and 120 minutes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.runtime.arrays import distinct
from schemas.worker import STATUS_CODES, StatusPolicy, WorkerStatus

STABLE: Final = STATUS_CODES.index(WorkerStatus.STABLE)
UNAVAILABLE: Final = STATUS_CODES.index(WorkerStatus.UNAVAILABLE)
OFF: Final = STATUS_CODES.index(WorkerStatus.OFF)
REMOVED: Final = STATUS_CODES.index(WorkerStatus.REMOVED)

Seconds = NDArray[np.int64]
Codes = NDArray[np.int8]
OutageSpan = tuple[int, int]
"""(stream time that was heard last, stream time that was heard again), in seconds."""

NEVER_RESUMED_S: Final = 0
"""`resumed_s` of a service that has not been out."""


def silence_limits(share_interval_s: NDArray[np.float64], policy: StatusPolicy) -> Seconds:
    """Seconds of silence that are too long, int64[n]; the longest for an unknown interval (0)."""
    own_s = np.ceil(policy.silent_intervals * share_interval_s)
    clipped_s = np.clip(own_s, policy.silent_min_s, policy.silent_max_s)
    return np.where(share_interval_s > 0, clipped_s, policy.silent_max_s).astype(np.int64)


def due_times(
    last_share_s: Seconds,
    share_interval_s: NDArray[np.float64],
    *,
    policy: StatusPolicy,
    resumed_s: int = NEVER_RESUMED_S,
) -> Seconds:
    """When silence makes a worker unavailable, off and removed: int64[3, n], ascending.

    `resumed_s` is the stream time at which the service itself came back from an outage: nobody was
    heard before it, so each worker has its whole limit from there to be heard again.
    """
    heard_s = np.maximum(last_share_s, resumed_s)
    unavailable_s = heard_s + silence_limits(share_interval_s, policy)
    off_s = np.maximum(last_share_s + policy.off_after_s, unavailable_s)
    return np.stack(
        [unavailable_s, off_s, np.maximum(last_share_s + policy.removed_after_s, off_s)]
    )


def evaluate(
    last_share_s: Seconds,
    share_interval_s: NDArray[np.float64],
    *,
    to_s: int | Seconds,
    policy: StatusPolicy,
    resumed_s: int = NEVER_RESUMED_S,
) -> Codes:
    """Status codes at stream time `to_s`, int8[n]. A limit that runs out at `to_s` has run out."""
    due_s = due_times(last_share_s, share_interval_s, policy=policy, resumed_s=resumed_s)
    return np.asarray((due_s <= to_s).sum(axis=0), np.int8)


def outages_within(minutes_s: Seconds, *, from_s: int, to_s: int, gap_s: int) -> list[OutageSpan]:
    """Outages of the service inside one sweep from `from_s` to `to_s`, found by shares alone.

    `minutes_s` are the minutes with any share at all that this sweep brought. Stream time that
    moved on by more than `gap_s` without one share of any worker is an outage of the broker or of
    us, not the death of everybody: while all is well a sweep moves it by a minute at most.
    """
    marks_s = distinct(np.clip(np.append(minutes_s, (from_s, to_s)), from_s, to_s))
    wide = np.flatnonzero(np.diff(marks_s) > gap_s)
    return [(int(marks_s[i]), int(marks_s[i + 1])) for i in wide]
