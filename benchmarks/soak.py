"""`python -m benchmarks.soak --workers 100000 --hours 24 --speed 60`: a day, faster than the clock.

A day of records through real processes, with late shares. On the way the aggregator is killed and
started again, a second one joins, and the first one leaves. At the end every sum must be the
simulator's own; memory and tables over the day are drawn into benchmarks/soak.png.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.load.service import memory_gb, service, sums_counted, sums_sent
from benchmarks.results import record
from tests.acceptance.processes import Running, Service, wait_until

PLOT: Final = Path(__file__).with_name("soak.png")
START: Final = "2026-03-02T00:00:00Z"
START_S: Final = 1_772_409_600
TABLES: Final = (
    "flushed_minutes",
    "worker_statuses",
    "window_blocks",
    "entity_figures",
    "dirty_minutes",
)
"""Those that must not grow: what they hold is replaced or taken away at every cycle."""
_SAMPLE_S: Final = 2.0


@dataclass(slots=True)
class Samples:
    """By stream time, in hours since the start."""

    hours: list[float] = field(default_factory=list)
    memory_gb: list[float] = field(default_factory=list)
    tables_mb: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def between(self, values: list[float], first: float, last: float) -> float:
        """The largest value in a part of the run, 0 to 1."""
        end = self.hours[-1]
        chosen = zip(self.hours, values, strict=True)
        return max(value for hour, value in chosen if first * end <= hour <= last * end)


@dataclass(slots=True)
class Fleet:
    """The aggregators of the run, and what happens to them, by the part of the day that is over."""

    running: Service
    alive: list[Running]
    done: int = 0

    @property
    def events(self) -> tuple[tuple[float, Callable[[], None]], ...]:
        return ((0.3, self._killed_and_started), (0.5, self._joined), (0.7, self._left))

    def step(self, part: float) -> None:
        while self.done < len(self.events) and part >= self.events[self.done][0]:
            print(f"{part:4.0%} of the day: {self.events[self.done][1].__name__}")
            self.events[self.done][1]()
            self.done += 1

    def check(self) -> None:
        for each in self.alive:
            each.check()

    def _killed_and_started(self) -> None:
        self.alive.pop().kill()
        self.alive.append(self.running.start("aggregate"))

    def _joined(self) -> None:
        self.alive.append(self.running.start("aggregate"))

    def _left(self) -> None:
        self.alive.pop(0).stop(signal.SIGTERM)


def hour_of(running: Service) -> float:
    """How far the figures are, in hours of stream time."""
    watermark_s = running.value("select extract(epoch from watermark)::float8 from leader")
    return 0.0 if watermark_s is None else (watermark_s - START_S) / 3_600


def sample(running: Service, fleet: Fleet, samples: Samples) -> None:
    samples.hours.append(hour_of(running))
    samples.memory_gb.append(max(memory_gb(each) for each in fleet.alive))
    for name in TABLES:
        size: Any = running.value("select pg_total_relation_size(%s::regclass)::float8", name)
        samples.tables_mb[name].append(size / 1e6)


def run(workers: int, hours: float, speed: str) -> Samples:
    samples = Samples()
    late = {
        "HASHGAUGE_SIMULATOR__LATE_RATIO": "0.01",
        "HASHGAUGE_SIMULATOR__SHARE_INTERVAL_S": "60",
    }
    with service() as running:
        truth = running.folder / "truth.parquet"
        fleet = Fleet(running, [running.start("aggregate")])
        simulator = running.start(
            *("simulate", "--workers", str(workers), "--start", START, "--speed", speed, "--final"),
            *("--duration", str(3_600 * hours), "--truth", str(truth)),
            **late,
        )
        try:
            while simulator.process.poll() is None or hour_of(running) < hours:
                assert simulator.process.poll() in (None, 0), simulator.log()[-2000:]
                fleet.check()
                fleet.step(hour_of(running) / hours)
                sample(running, fleet, samples)
                time.sleep(_SAMPLE_S)
            assert simulator.process.returncode == 0, simulator.log()[-2000:]
            check(running, fleet, truth, end_s=START_S + 3_600 * hours)
        finally:
            simulator.kill()
            for each in fleet.alive:
                each.kill()
    return samples


def check(running: Service, fleet: Fleet, truth: Path, *, end_s: float) -> None:
    """Worker minutes, and the day of workers and of the pool above them, are what was sent."""
    sent = sums_sent(truth, before_s=end_s)
    for relation in (
        f"worker_minutes where bucket < to_timestamp({end_s})",
        "worker_1d",
        "entity_1d where entity_id in (select id from pools)",
    ):
        wait_until(
            lambda relation=relation: sums_counted(running, relation) == sent,  # type: ignore[misc]
            f"{relation} holds what was sent",
            fleet.check,
            timeout_s=600,
        )


def plot(samples: Samples, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (memory, tables) = pyplot.subplots(2, 1, figsize=(8, 6), sharex=True)
    memory.plot(samples.hours, samples.memory_gb)
    memory.set(ylabel="memory of the larger aggregator, GB", title=title, ylim=(0, None))
    for name, sizes in samples.tables_mb.items():
        tables.plot(samples.hours, sizes, label=name)
    tables.set(xlabel="hour of the day", ylabel="table with indexes, MB", ylim=(0, None))
    tables.legend()
    figure.tight_layout()
    figure.savefig(PLOT, dpi=110)


def measure(workers: int, hours: float, speed: str) -> None:
    began = time.monotonic()
    samples = run(workers, hours, speed)
    took_s = time.monotonic() - began
    what = f"{hours:g} hours of {workers:,} workers in {took_s:.0f} s"
    plot(samples, f"{what}:\nkilled at 30 %, one joins at 50 %, one leaves at 70 %")
    note = f"{what}, 1 % of the shares late, one kill, two rebalances; every sum exact"
    growth = samples.between(samples.memory_gb, 0.75, 1) / samples.between(
        samples.memory_gb, 0.25, 0.7
    )
    record("soak_memory_growth", growth, "ratio", "the second quarter of the run", note)
    together = [sum(sizes) for sizes in zip(*samples.tables_mb.values(), strict=True)]
    bloat = samples.between(together, 0.75, 1) / samples.between(together, 0.25, 0.7)
    record(
        "soak_bloat",
        bloat,
        "ratio",
        "the second quarter of the run",
        f"{note}; {', '.join(TABLES)}",
    )
    print(f"{note}; memory × {growth:.2f}, tables × {bloat:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=100_000)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--speed", default="60")
    chosen = parser.parse_args()
    measure(chosen.workers, chosen.hours, chosen.speed)
