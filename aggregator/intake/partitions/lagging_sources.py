"""Sources that are sending their history. Pure: times are arguments.

A producer may send old shares more slowly than intake reads them: a feed that copies hours of a
log, a stratum server that buffered while its link was down. Intake is at the end of the topic then,
and stream time is the wall clock, but the shares of the last hours are still to come: nobody can be
called silent before they are in.

    share time     ..09:00......09:40......10:20....     (a source that sends an hour in 30 s)
    stream time    ..11:00:00...11:00:30...11:01:00.
                     `history_ms` is 09:00, 09:40, 10:20, then None: statuses may be judged again

Time here is stream time: the wall clock at the end of the log, that of the records in a backlog, in
which such a source lags behind the others just the same.

A source counts as sending its history if its newest share is older than `LAG_MS` and its shares
gain on stream time (`SPEED`). A source with a slow clock lags for good, but by a constant amount;
one whose clock stands does not gain. Neither holds up anybody for longer than two windows, nor does
one that stops. One that paused and goes on with its history is waited for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from schemas.batch import ShareBatch

# As short as the shortest outage, and below the shortest limit of silence (5 min).
LAG_MS: Final = 180_000
SPEED: Final = 1.25
# Long enough for a producer that sends once a minute, and for its clock to wobble by 20 s.
WINDOW_MS: Final = 120_000
# As many as there may be at all (`sources_limit`).
_MOST_SOURCES: Final = 10_000


@dataclass(slots=True)
class _Progress:
    """Where a source stood when its window began, and its newest share."""

    began_ms: int
    first_ms: int
    newest_ms: int
    heard_ms: int
    # It did not gain on stream time in its last window.
    stalled: bool = False

    def move(self, share_ms: int, now_ms: int) -> None:
        paused_ms, self.heard_ms = now_ms - self.heard_ms, now_ms
        gained_ms = max(0, share_ms - self.newest_ms)
        self.newest_ms += gained_ms
        if 0 < gained_ms < paused_ms / SPEED and paused_ms >= WINDOW_MS:
            # It stopped and goes on: how fast, the next window shows.
            self._begin(now_ms, stalled=False)
        elif now_ms - self.began_ms >= WINDOW_MS:
            speed = (self.newest_ms - self.first_ms) / (now_ms - self.began_ms)
            self._begin(now_ms, stalled=speed < SPEED)

    def _begin(self, now_ms: int, *, stalled: bool) -> None:
        self.began_ms, self.first_ms, self.stalled = now_ms, self.newest_ms, stalled


class LaggingSources:
    """Not thread-safe: one task owns it. Costs one pass over the timestamps if nobody lags."""

    def __init__(self) -> None:
        self._lagging: dict[str, _Progress] = {}

    def observe(self, batch: ShareBatch, *, stream_ms: int) -> None:
        """The shares of one fetch, with which stream time comes to `stream_ms`."""
        if not len(batch):
            return
        if not self._lagging and int(batch.timestamp_ms.min()) >= stream_ms - LAG_MS:
            return
        # The last place is that of code -1, no source.
        newest = np.full(len(batch.sources) + 1, -1, np.int64)
        np.maximum.at(newest, batch.source, batch.timestamp_ms)
        for code in np.flatnonzero(newest >= 0).tolist():
            name = batch.sources[code] if code < len(batch.sources) else ""
            self._observe(name, int(newest[code]), stream_ms)

    def history_ms(self, stream_ms: int) -> int | None:
        """How far the slowest source that sends its history has come; None if none does."""
        return min(
            (
                each.newest_ms
                for each in self._lagging.values()
                if not each.stalled and abs(stream_ms - each.heard_ms) < WINDOW_MS
            ),
            default=None,
        )

    def _observe(self, name: str, share_ms: int, now_ms: int) -> None:
        known, lag_ms = self._lagging.get(name), now_ms - share_ms
        # The host's clock was ahead for a while: what was seen then says nothing.
        if known is None or known.heard_ms - now_ms >= WINDOW_MS:
            self._lagging.pop(name, None)
            if lag_ms > LAG_MS:
                self._make_room(now_ms)
                self._lagging[name] = _Progress(now_ms, share_ms, share_ms, now_ms)
        elif lag_ms <= LAG_MS // 2:
            # Half of it: a clock that is slow by just so much would begin anew at every share.
            del self._lagging[name]
        else:
            known.move(share_ms, now_ms)

    def _make_room(self, now_ms: int) -> None:
        """Names of sources are whatever producers write."""
        if len(self._lagging) >= _MOST_SOURCES:
            self._lagging = {
                name: each
                for name, each in self._lagging.items()
                if now_ms - each.heard_ms < WINDOW_MS
            }
