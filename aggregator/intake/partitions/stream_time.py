"""How far the stream of a partition is consumed. Pure: times are arguments.

The rule that says when statuses may be judged (and rollups made, and old rows dropped) is this one:

    up to the stream time of the service, the lowest of its partitions (view `stream`); nothing is
    known as long as one of them was not read at all;
    not at all while a source sends its history (`lagging_sources`): its shares are still to come

The view answers both, as `stream_time` and `status_time`, from what intake stores with each flush;
the leader asks it once a cycle and nothing else. Rollups and retention need the first alone: a late
share makes its buckets anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

StreamClock = Literal["wall", "records"]
"""wall: live. records: replays and tests, where only record timestamps count."""


def newest(stamps_ms: Sequence[int], *, latest_ms: int | None) -> int | None:
    """The newest timestamp that shows how far the stream is consumed, if there is one.

    Records without a timestamp (-1) show nothing, nor do those later than `latest_ms` (None: any
    may be right): in a backlog they would leap over everybody's shares.
    """
    found_ms = max(stamps_ms, default=-1)
    if latest_ms is not None and found_ms > latest_ms:
        found_ms = max((stamp for stamp in stamps_ms if stamp <= latest_ms), default=-1)
    return found_ms if found_ms >= 0 else None


def advance(
    stream_ms: int | None,
    *,
    record_ms: int | None,
    at_end: bool,
    now_ms: int,
    clock: StreamClock,
) -> int | None:
    """Stream time of a partition in epoch milliseconds; None as long as nothing is known.

    stream_ms  what it was
    record_ms  newest timestamp of the records consumed (see `newest`), if any
    at_end     a recent fetch reached the end of the log: there is nothing older to wait for

        records    ....r....r....r            (end)
        clock      wall: newest r, at the end the wall clock; records: newest r

    Never goes back, and (with the wall clock) never beyond `now_ms`; with the broker away it
    stands still.
    """
    if clock == "wall":
        candidate = now_ms if at_end else record_ms
        if candidate is not None:
            candidate = min(candidate, now_ms)
    else:
        candidate = record_ms
    if candidate is None or stream_ms is None:
        return stream_ms if candidate is None else candidate
    return max(stream_ms, candidate)
