"""What goes wrong in the simulated pool, and when: silent workers, reconnects, dead servers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ingest.simulator.config import SimulatorConfig
from ingest.simulator.fleet import Ints, Stream, generator
from schemas.windows import DAY_S

DAY_MS = DAY_S * 1_000
# Longer outages would reach over more days than a look at yesterday's plan finds.
OUTAGE_MAX_MS = DAY_MS // 2


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of time of workers (or sources): columns of equal length, [start_ms, end_ms)."""

    who: Ints
    start_ms: Ints
    end_ms: Ints

    def overlapping(self, start_ms: int, end_ms: int) -> Spans:
        keep = (self.start_ms < end_ms) & (self.end_ms > start_ms)
        return Spans(self.who[keep], self.start_ms[keep], self.end_ms[keep])

    def covers(self, who: Ints, at_ms: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """For each pair (who, at): is it inside one of the spans? bool[n]"""
        inside = np.zeros(len(who), np.bool_)
        if not len(self.who):
            return inside
        size = int(max(self.who.max(), who.max(initial=0))) + 1
        for chosen in _one_per_owner(self.who):
            start = np.full(size, np.iinfo(np.int64).max)
            end = np.zeros(size, np.int64)
            start[self.who[chosen]] = self.start_ms[chosen]
            end[self.who[chosen]] = self.end_ms[chosen]
            inside |= (at_ms >= start[who]) & (at_ms < end[who])
        return inside


def _one_per_owner(who: Ints) -> list[Ints]:
    """Indices in groups in which nobody appears twice (one group nearly always)."""
    groups, rest = [], np.arange(len(who))
    while len(rest):
        first = np.unique(who[rest], return_index=True)[1]
        groups.append(rest[first])
        rest = np.delete(rest, first)
    return groups


def concatenate(parts: list[Spans]) -> Spans:
    return Spans(
        np.concatenate([part.who for part in parts]),
        np.concatenate([part.start_ms for part in parts]),
        np.concatenate([part.end_ms for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class DayPlan:
    """Random events of one day; a reconnect is a span of no length."""

    outages: Spans
    reconnects: Spans


def draw_day(config: SimulatorConfig, day: int) -> DayPlan:
    """The day's events, the same whatever part of the day is played."""
    random = generator(config, Stream.PLAN, day)
    return DayPlan(
        _draw(random, config, day, per_day=config.outages_per_day, mean_s=config.outage_mean_s),
        _draw(random, config, day, per_day=config.reconnects_per_day, mean_s=0.0),
    )


def _draw(
    random: np.random.Generator, config: SimulatorConfig, day: int, *, per_day: float, mean_s: float
) -> Spans:
    who = np.repeat(np.arange(config.workers), random.poisson(per_day, config.workers))
    start_ms = day * DAY_MS + random.integers(0, DAY_MS, len(who))
    length_ms = np.minimum(random.exponential(mean_s * 1_000, len(who)), OUTAGE_MAX_MS)
    return Spans(who, start_ms, start_ms + length_ms.astype(np.int64))


class Plan:
    """All events around a time; the explicit ones of the config count from `start_ms`."""

    def __init__(self, config: SimulatorConfig, start_ms: int) -> None:
        self._config = config
        self._day = lru_cache(maxsize=3)(lambda day: draw_day(config, day))
        self._outages = _explicit(
            [(o.worker, o.start_s, o.end_s) for o in config.outages], start_ms
        )
        self.dead_sources = _explicit(
            [(o.source, o.start_s, o.end_s) for o in config.source_outages if not o.failover],
            start_ms,
        )
        self.left_sources = _explicit(
            [(o.source, o.start_s, o.end_s) for o in config.source_outages if o.failover], start_ms
        )

    def outages(self, start_ms: int, end_ms: int) -> Spans:
        """Outages of workers that overlap [start_ms, end_ms)."""
        days = range(start_ms // DAY_MS - 1, (end_ms - 1) // DAY_MS + 1)
        drawn = [self._day(day).outages for day in days if day >= 0]
        return concatenate([*drawn, self._outages]).overlapping(start_ms, end_ms)

    def reconnects(self, since_ms: int, until_ms: int) -> Spans:
        """Reconnects in [since_ms, until_ms)."""
        days = range(since_ms // DAY_MS, (until_ms - 1) // DAY_MS + 1)
        drawn = concatenate([self._day(day).reconnects for day in days])
        keep = (drawn.start_ms >= since_ms) & (drawn.start_ms < until_ms)
        return Spans(drawn.who[keep], drawn.start_ms[keep], drawn.end_ms[keep])

    def source_of(self, home: Ints, at_ms: int) -> Ints:
        """The source of every worker at `at_ms`: one further for each reconnect of the day."""
        count = self._config.sources
        moves = self.reconnects(at_ms - at_ms % DAY_MS, at_ms + 1)
        return (home + np.bincount(moves.who, minlength=len(home))) % count


def _explicit(rows: list[tuple[int, float, float]], start_ms: int) -> Spans:
    return Spans(
        np.array([who for who, _, _ in rows], np.int64),
        np.array([start_ms + round(start_s * 1_000) for _, start_s, _ in rows], np.int64),
        np.array([start_ms + round(end_s * 1_000) for _, _, end_s in rows], np.int64),
    )
