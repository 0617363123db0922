"""One simulated minute: every share of every worker, drawn at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ingest.simulator.config import SimulatorConfig
from ingest.simulator.fleet import (
    Fleet,
    Floats,
    Ints,
    Stream,
    clock_skews_ms,
    drifted_hps,
    generator,
    vardiff,
)
from ingest.simulator.plan import Plan
from schemas.share import ShareResult
from schemas.units import difficulty_of

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
# Vardiff begins low after a connection and is where it belongs some minutes later: a quarter of
# the difficulty in the first two minutes, a half in the next two.
RAMP = ((2 * MINUTE_MS, 4.0), (4 * MINUTE_MS, 2.0))


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares in columns, in the order of `sent_ms`.

    judged_ms     when the source judged it, by true time
    timestamp_ms  the same by the source's own clock: what the share says
    sent_ms       when it is sent, by true time: what the record says
    """

    sent_ms: Ints
    judged_ms: Ints
    timestamp_ms: Ints
    worker: Ints
    difficulty: Floats
    result: NDArray[np.uint8]
    source: Ints

    def __len__(self) -> int:
        return len(self.sent_ms)

    def take(self, index: NDArray[np.bool_] | Ints | slice) -> Shares:
        return Shares(
            self.sent_ms[index],
            self.judged_ms[index],
            self.timestamp_ms[index],
            self.worker[index],
            self.difficulty[index],
            self.result[index],
            self.source[index],
        )


_NO_INTS: Ints = np.zeros(0, np.int64)
NO_SHARES = Shares(
    _NO_INTS, _NO_INTS, _NO_INTS, _NO_INTS, np.zeros(0), np.zeros(0, np.uint8), _NO_INTS
)


def in_order(parts: list[Shares]) -> Shares:
    """All shares of `parts`, by the time they are sent."""
    joined = Shares(
        np.concatenate([part.sent_ms for part in parts]),
        np.concatenate([part.judged_ms for part in parts]),
        np.concatenate([part.timestamp_ms for part in parts]),
        np.concatenate([part.worker for part in parts]),
        np.concatenate([part.difficulty for part in parts]),
        np.concatenate([part.result for part in parts]),
        np.concatenate([part.source for part in parts]),
    )
    return joined.take(np.argsort(joined.sent_ms, kind="stable"))


class MinuteMaker:
    """Draws minutes. Pure: the same minute is the same shares, whatever was drawn before."""

    def __init__(self, config: SimulatorConfig, fleet: Fleet, plan: Plan) -> None:
        self._config = config
        self._fleet = fleet
        self._plan = plan
        self._skew_ms = clock_skews_ms(config)
        self._hour = lru_cache(maxsize=2)(lambda hour: drifted_hps(config, fleet, hour))
        mix = config.reject_mix
        self._reasons = np.array(list(mix), np.uint8)
        weights = np.array(list(mix.values()))
        self._reason_odds = weights / weights.sum()

    def draw(self, minute: int) -> Shares:
        """Shares judged in the minute (counted from the epoch), by time; late ones by `sent_ms`."""
        config, start_ms = self._config, minute * MINUTE_MS
        random = generator(config, Stream.MINUTE, minute)
        hashrate = self._hour(start_ms // HOUR_MS)
        difficulty = self._difficulty(hashrate, start_ms)
        expected = difficulty_of(1.0, 60.0) * hashrate / difficulty
        worker = np.repeat(np.arange(len(self._fleet)), random.poisson(expected))
        at_ms = start_ms + random.integers(0, MINUTE_MS, len(worker))
        source = self._plan.source_of(self._fleet.home, start_ms)[worker]
        result = self._judge(random, len(worker))
        late_ms = self._lateness(random, len(worker))
        source, silent = self._outages(start_ms, worker, source, at_ms)
        shares = Shares(
            at_ms + late_ms,
            at_ms,
            at_ms + self._skew_ms[source],
            worker,
            difficulty[worker],
            result,
            source,
        )
        return in_order([shares.take(~silent)])

    def _difficulty(self, hashrate: Floats, start_ms: int) -> Floats:
        """Difficulty of every worker in this minute; lower where it connected a short while ago."""
        difficulty = vardiff(self._config, hashrate)
        oldest_ms = start_ms - RAMP[-1][0]
        outages = self._plan.outages(oldest_ms, start_ms + 1)
        moves = self._plan.reconnects(max(oldest_ms, 0), start_ms + 1)
        connected_ms = np.concatenate([outages.end_ms, moves.start_ms])
        who = np.concatenate([outages.who, moves.who])
        for age_ms, divisor in reversed(RAMP):
            fresh = who[(connected_ms > start_ms - age_ms) & (connected_ms <= start_ms + MINUTE_MS)]
            difficulty[fresh] = np.maximum(vardiff(self._config, hashrate[fresh] / divisor), 1.0)
        return difficulty

    def _judge(self, random: np.random.Generator, count: int) -> NDArray[np.uint8]:
        result = np.full(count, ShareResult.ACCEPTED, np.uint8)
        rejected = random.random(count) < self._config.reject_ratio
        result[rejected] = random.choice(self._reasons, int(rejected.sum()), p=self._reason_odds)
        return result

    def _lateness(self, random: np.random.Generator, count: int) -> Ints:
        late_ms = np.zeros(count, np.int64)
        late = random.random(count) < self._config.late_ratio
        late_ms[late] = random.integers(0, int(self._config.late_max_s * 1_000) + 1, late.sum())
        return late_ms

    def _outages(
        self, start_ms: int, worker: Ints, source: Ints, at_ms: Ints
    ) -> tuple[Ints, NDArray[np.bool_]]:
        """Where the shares go after failover (int64[n]), and which are never made (bool[n])."""
        plan = self._plan
        moved = plan.left_sources.covers(source, at_ms)
        source = np.where(moved, (source + 1) % self._config.sources, source)
        silent = plan.outages(start_ms, start_ms + MINUTE_MS).covers(worker, at_ms)
        return source, silent | plan.dead_sources.covers(source, at_ms)
