"""Measures all thresholds once for each new minute of published figures.

figures ─▶ reading ─step─▶ state ─▶ thresholds
                      └──▶ outcome ─▶ events (outbox) ─alerts─▶ webhooks, Telegram, e-mail
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from aggregator.notify.config import ThresholdConfig
from aggregator.notify.outbox import Outbox
from aggregator.notify.thresholds import store
from aggregator.notify.thresholds.rule import step
from aggregator.notify.thresholds.store import Measured, Threshold
from schemas.readings import reading_of


class ThresholdMonitor:
    """Owned by one `Publisher`. States and events are written in one transaction."""

    name: Final = "thresholds"

    def __init__(self, config: ThresholdConfig, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._measured_s: int | None = None

    async def start(self) -> None: ...

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.measure()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.poll_s):
                    await stop.wait()

    async def close(self) -> None: ...

    async def measure(self) -> None:
        """All rules at the leader's position, unless it stands where it stood."""
        async with self._outbox.transaction() as connection:
            at_s = await store.position_s(connection)
        if at_s is None or at_s == self._measured_s:
            return
        after: int | None = 0
        while after is not None:
            after = await self._measure_batch(after)
        self._measured_s = at_s

    async def _measure_batch(self, after: int) -> int | None:
        """The id that the next batch begins after; None if that was the last one."""
        async with self._outbox.transaction() as connection:
            due = await store.due(connection, after=after, limit=self._config.batch)
            if due:
                await store.save(connection, [_measure(threshold) for threshold in due])
        return due[-1].id if len(due) == self._config.batch else None


def _measure(threshold: Threshold) -> Measured:
    reading = reading_of(threshold.metric, threshold.bound, threshold.figures)
    if reading is None:
        return Measured(threshold, threshold.state, None, None)
    state, outcome = step(
        threshold.state, reading, for_s=threshold.for_s, is_muted=threshold.is_muted
    )
    return Measured(threshold, state, reading, outcome)
