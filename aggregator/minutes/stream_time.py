"""How far a partition has taken the stream in. Pure: times are arguments."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.minutes.config import StreamClock


def newest(stamps_ms: Sequence[int], *, latest_ms: int | None) -> int | None:
    """The newest stamp that tells how far the stream is taken in, if there is one.

    Records without a stamp (-1) tell nothing, nor do those stamped later than `latest_ms` (None:
    any may be true): in a backlog they would leap over everybody's shares.
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
    record_ms  newest timestamp of the records taken (see `newest`), if there is one
    at_end     a fresh fetch reached the end of the log: there is nothing older to wait for

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
