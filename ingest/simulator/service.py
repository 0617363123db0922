"""Plays the pool: draws minutes, keeps the pace, hands messages to a sink, remembers the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from uuid import uuid4

import numpy as np

from ingest.kafka.producer import ShareMessage, ShareSink, deliver
from ingest.simulator.config import SimulatorConfig
from ingest.simulator.fleet import Fleet, Stream, build_fleet, generator
from ingest.simulator.minute import MINUTE_MS, MinuteMaker, Shares
from ingest.simulator.pace import Pace, slices
from ingest.simulator.plan import Plan
from ingest.simulator.truth import Truth, plan_document, write_plan, write_truth
from schemas.batch import ShareBatch
from schemas.runtime.arrays import distinct
from schemas.runtime.clock import Clock, SystemClock
from schemas.windows import DAY_S, MINUTE_S

# Two shares of a worker in each minute of history that is played.
_HISTORY_SHARE_INTERVAL_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the simulation is, in stream time; `end_ms` is None if it has no end."""

    stream_ms: int
    start_ms: int
    end_ms: int | None
    shares: int
    messages: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run sent. `repeats` are messages sent a second time on purpose, in no other number."""

    start_ms: int
    end_ms: int
    shares: int
    messages: int
    repeats: int


OnProgress = Callable[[Progress], None]


class Simulator:
    """One run at a time; `truth` grows while it runs, where the run has an end or a truth file."""

    def __init__(self, config: SimulatorConfig, clock: Clock | None = None) -> None:
        self._config = config
        self._clock = clock or SystemClock()
        self.fleet: Fleet = build_fleet(config)
        self.truth = Truth(self.fleet)
        # Without an end it would grow without end: 7 MB a day for 300 workers.
        self._keeps_truth = config.truth_path is not None or config.duration_s is not None
        self._run_id = config.run_id or f"sim-{uuid4()}"
        self._sequence = 0
        self._shares = 0
        self._messages = 0
        self._repeats = 0

    async def run(
        self, sink: ShareSink, *, stop: asyncio.Event, progress: OnProgress | None = None
    ) -> Summary:
        """Play until the end of `duration_s`, or until `stop`; then write the truth.

        Only what the sink took is in the truth. Raises what the sink raises, except errors that may
        be retried: those are, until `stop`.
        """
        config = self._config
        now_ms = self._clock.now_ms()
        start_ms = config.start_ms
        if start_ms is None:
            start_ms = now_ms - now_ms % 1_000 - round(config.backfill_s * 1_000)
        end_ms = None if config.duration_s is None else start_ms + round(config.duration_s * 1_000)
        if config.history_step_s:
            today_ms = now_ms - now_ms % (DAY_S * 1_000)
            await self._play_history(sink, today_ms - DAY_S * 1_000, start_ms, stop=stop)
        plan, reached_ms = await self._play(sink, start_ms, end_ms, stop=stop, progress=progress)
        if config.final_share_per_partition and not stop.is_set():
            await self._send_finals(sink, plan, reached_ms, stop=stop)
        if config.truth_path is not None:
            write_truth(config.truth_path, self.truth)
            document = plan_document(
                config, self.fleet, plan, start_ms=start_ms, end_ms=max(reached_ms, start_ms + 1)
            )
            write_plan(config.truth_path, document)
        return Summary(start_ms, reached_ms, self._shares, self._messages, self._repeats)

    async def _play_history(
        self, sink: ShareSink, start_ms: int, end_ms: int, *, stop: asyncio.Event
    ) -> None:
        """One minute of every so many, with few shares that hold the work of all of them."""
        config = replace(self._config, share_interval_s=_HISTORY_SHARE_INTERVAL_S, late_ratio=0.0)
        maker = MinuteMaker(config, self.fleet, Plan(config, start_ms))
        step, end = config.history_step_s // MINUTE_S, end_ms // MINUTE_MS
        for minute in range(start_ms // MINUTE_MS, end, step):
            drawn = maker.draw(minute)
            # The last one holds no more than what comes before the end.
            heavy = replace(drawn, difficulty=drawn.difficulty * min(step, end - minute))
            if stop.is_set() or not await self._send(sink, heavy, stop=stop):
                return

    async def _play(
        self,
        sink: ShareSink,
        start_ms: int,
        end_ms: int | None,
        *,
        stop: asyncio.Event,
        progress: OnProgress | None,
    ) -> tuple[Plan, int]:
        """One stretch of time; its plan, and how far it came."""
        plan = Plan(self._config, start_ms)
        pace = Pace(self._config, self._clock, start_ms=start_ms)
        maker = MinuteMaker(self._config, self.fleet, plan)
        reached_ms = start_ms
        for shares, until_ms in slices(maker, pace, start_ms=start_ms, end_ms=end_ms):
            if await pace.wait(until_ms, len(shares), stop=stop):
                break
            if not await self._send(sink, shares, stop=stop):
                break
            reached_ms = until_ms
            if progress is not None:
                progress(Progress(reached_ms, start_ms, end_ms, self._shares, self._messages))
        return plan, reached_ms

    async def _send(self, sink: ShareSink, shares: Shares, *, stop: asyncio.Event) -> bool:
        """One message per source (more where there are very many shares); all at the same time."""
        sources = distinct(shares.source).tolist()
        sent = await asyncio.gather(
            *(
                self._send_source(sink, shares.take(shares.source == source), stop=stop)
                for source in sources
            )
        )
        return all(sent)

    async def _send_source(self, sink: ShareSink, shares: Shares, *, stop: asyncio.Event) -> bool:
        limit = self._config.max_shares_per_message
        for first in range(0, len(shares), limit):
            part = shares.take(slice(first, first + limit))
            source = self.fleet.sources[int(part.source[0])]
            if not await self._send_message(sink, part, key=source, stop=stop):
                return False
        return True

    async def _send_message(
        self,
        sink: ShareSink,
        shares: Shares,
        *,
        key: str,
        stop: asyncio.Event,
        partition: int | None = None,
    ) -> bool:
        self._sequence += 1
        message = ShareMessage(
            batch_of_columns(shares, self.fleet),
            timestamp_ms=int(shares.sent_ms[-1]),
            key=key,
            producer_id=f"{self._run_id}/{key}",
            sequence=self._sequence,
            partition=partition,
        )
        if not await deliver(sink, message, stop=stop):
            return False
        if self._keeps_truth:
            self.truth.add(shares)
        self._shares += len(shares)
        self._messages += 1
        random = generator(self._config, Stream.REPEATS, self._sequence)
        if random.random() < self._config.duplicate_ratio:
            self._repeats += await deliver(sink, message, stop=stop)
        return True

    async def _send_finals(
        self, sink: ShareSink, plan: Plan, at_ms: int, *, stop: asyncio.Event
    ) -> None:
        """One accepted share at exactly `at_ms` on every partition, from a worker that is on."""
        off = set(plan.outages(at_ms, at_ms + 1).who.tolist())
        worker = next(i for i in range(len(self.fleet)) if i not in off)
        shares = Shares(
            np.array([at_ms]),
            np.array([at_ms]),
            np.array([at_ms]),
            np.array([worker]),
            np.array([1.0]),
            np.zeros(1, np.uint8),
            self.fleet.home[[worker]],
        )
        for partition in range(await sink.partitions()):
            await self._send_message(sink, shares, key="final", stop=stop, partition=partition)


def batch_of_columns(shares: Shares, fleet: Fleet) -> ShareBatch:
    """As a batch whose dictionaries hold only the names that occur."""
    workers, worker = np.unique(shares.worker, return_inverse=True)
    sources, source = np.unique(shares.source, return_inverse=True)
    return ShareBatch(
        timestamp_ms=shares.timestamp_ms,
        worker=worker.astype(np.int32),
        difficulty=shares.difficulty,
        result=shares.result,
        source=source.astype(np.int32),
        workers=[fleet.keys[i] for i in workers.tolist()],
        sources=[fleet.sources[i] for i in sources.tolist()],
    )
