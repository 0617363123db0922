"""When what is sent: cuts the stream into slices and keeps them to their time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np

from ingest.kafka.producer import stopped_within
from ingest.simulator.config import SimulatorConfig
from ingest.simulator.minute import MINUTE_MS, NO_SHARES, MinuteMaker, Shares, in_order
from schemas.runtime.arrays import distinct
from schemas.runtime.clock import Clock


class Pace:
    """When a slice may be sent: never before its time in live mode, never above the limit.

    Real time begins at the present; everything before it goes as fast as the sink takes it.
    """

    def __init__(self, config: SimulatorConfig, clock: Clock, *, start_ms: int) -> None:
        self._config = config
        self._clock = clock
        self._begun_s = clock.monotonic_s()
        self._present_ms = start_ms + round(config.backfill_s * 1_000)
        self._shares = 0

    def step_ms(self, at_ms: int) -> int:
        """Length of the slice that begins at `at_ms`: long while catching up, short once live."""
        config = self._config
        if config.speed is None or at_ms < self._now_ms(config.speed) - MINUTE_MS:
            return round(config.fast_flush_s * 1_000)
        return max(round(config.flush_s * 1_000 * config.speed), 1)

    async def wait(self, until_ms: int, shares: int, *, stop: asyncio.Event) -> bool:
        """Wait until the slice that ends at `until_ms` is due; True if `stop` came first."""
        self._shares += shares
        config, due_s = self._config, 0.0
        if config.speed is not None:
            due_s = (until_ms - self._present_ms) / 1_000 / config.speed
        if config.max_shares_per_s is not None:
            due_s = max(due_s, self._shares / config.max_shares_per_s)
        early_s = due_s - (self._clock.monotonic_s() - self._begun_s)
        return await stopped_within(stop, early_s) if early_s > 0 else stop.is_set()

    def _now_ms(self, speed: float) -> float:
        elapsed_s = self._clock.monotonic_s() - self._begun_s
        return self._present_ms + elapsed_s * 1_000 * speed


def slices(
    maker: MinuteMaker, pace: Pace, *, start_ms: int, end_ms: int | None
) -> Iterator[tuple[Shares, int]]:
    """Shares in the order they are sent, each slice with the time up to which it reaches.

    A slice never crosses a minute. Late shares wait for the minute in which they are sent; those
    that are still waiting at the end are sent with the last slice.
    """
    waiting: dict[int, list[Shares]] = {}
    at_ms, minute = start_ms, start_ms // MINUTE_MS
    while end_ms is None or at_ms < end_ms:
        until_ms = (minute + 1) * MINUTE_MS
        if end_ms is not None:
            until_ms = min(until_ms, end_ms)
        _put_by(waiting, maker.draw(minute), start_ms=start_ms, end_ms=end_ms)
        due = in_order([NO_SHARES, *waiting.pop(minute, [])])
        while at_ms < until_ms:
            cut_ms = min(at_ms + pace.step_ms(at_ms), until_ms)
            first, after = np.searchsorted(due.sent_ms, [at_ms, cut_ms])
            yield due.take(slice(first, after)), cut_ms
            at_ms = cut_ms
        minute += 1


def _put_by(
    waiting: dict[int, list[Shares]], drawn: Shares, *, start_ms: int, end_ms: int | None
) -> None:
    """Sort `drawn` (one minute) into the minutes in which its shares are sent."""
    judged_ms = drawn.judged_ms
    inside = judged_ms >= start_ms
    if end_ms is not None:
        inside &= judged_ms < end_ms
        drawn.sent_ms[:] = np.minimum(drawn.sent_ms, end_ms - 1)
    minutes = drawn.sent_ms // MINUTE_MS
    for minute in distinct(minutes).tolist():
        waiting.setdefault(minute, []).append(drawn.take(inside & (minutes == minute)))
