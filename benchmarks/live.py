"""`python -m benchmarks.live --workers 1000000 --minutes 20`: how old figures are, live.

Simulator, broker, database (with the settings of `deploy/postgresql.conf`), aggregator and API on
this machine; nothing is there at the start, so the first minutes of all workers are in it. Every
second the age of the figures is read: how far behind the clock their stream time is, and how far
their last complete minute. At the end every share that was acknowledged must be counted. Everybody
is new at once in the first minutes, which no pool ever meets: what figures were after them is
recorded beside the whole.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from typing import Final

from benchmarks.load.service import memory_gb, service, sums_counted, sums_sent
from benchmarks.results import record
from tests.acceptance.processes import Running, Service, wait_until

FIRST_MINUTES: Final = 15.0

_AGES: Final = (
    "select extract(epoch from clock_timestamp() - stream_time)::float8,"
    " extract(epoch from clock_timestamp() - watermark)::float8,"
    " extract(epoch from cycle_at)::float8 from leader where watermark is not null"
)


@dataclass(slots=True)
class Ages:
    """Seconds, one of each a sample."""

    at_s: list[float] = field(default_factory=list)
    """Since the beginning."""
    stream_s: list[float] = field(default_factory=list)
    watermark_s: list[float] = field(default_factory=list)
    cycles: set[float] = field(default_factory=set)

    def oldest_after(self, since_s: float) -> float:
        later = [age for at, age in zip(self.at_s, self.stream_s, strict=True) if at >= since_s]
        return max(later, default=0.0)


def watch(running: Service, aggregator: Running, seconds: float) -> Ages:
    ages, stop_s = Ages(), time.monotonic() + seconds
    while time.monotonic() < stop_s:
        aggregator.check()
        for stream_s, watermark_s, cycle in running.query(_AGES):
            ages.at_s.append(seconds - (stop_s - time.monotonic()))
            ages.stream_s.append(stream_s)
            ages.watermark_s.append(watermark_s)
            ages.cycles.add(cycle)
        time.sleep(1)
    return ages


def measure(workers: int, minutes: float) -> None:
    interval_s = {"HASHGAUGE_SIMULATOR__SHARE_INTERVAL_S": "30"}
    with service() as running:
        truth = running.folder / "truth.parquet"
        wall = {"HASHGAUGE_CLOCK": "wall"}
        with running.running("aggregate", **wall) as aggregator, running.api():
            simulate = ("simulate", "--workers", str(workers), "--truth", str(truth))
            with running.running(*simulate, **interval_s, **wall) as simulator:
                wait_until(lambda: bool(running.query(_AGES)), "the first cycle", simulator.check)
                ages = watch(running, aggregator, 60 * minutes)
            sent = sums_sent(truth)
            began = time.monotonic()
            wait_until(
                lambda: sums_counted(running, "worker_minutes") == sent,
                "every share is in a worker minute",
                aggregator.check,
            )
            settled_s = time.monotonic() - began
            peak_gb = memory_gb(aggregator, "VmHWM")
            known = running.value("select count(*) from workers")
            assert known > 0.99 * workers, f"only {known:,} workers sent a share"
    size = f"{workers // 1_000_000}m" if workers >= 1_000_000 else f"{workers // 1_000}k"
    shares = sent["accepted_count"] + sent["rejected_count"]
    record(
        f"live_{size}_age_s", max(ages.stream_s), "s", "",
        f"oldest figures in {minutes:g} minutes live with {workers:,} workers, all on one machine, "
        "PostgreSQL as in deploy/postgresql.conf: "
        f"stream time behind the clock; their last complete minute was up to "
        f"{max(ages.watermark_s):.0f} s old; {len(ages.cycles)} cycles; {shares:,.0f} shares, "
        f"each counted once, the last {settled_s:.0f} s after the end",
    )  # fmt: skip
    if minutes > FIRST_MINUTES:
        record(
            f"live_{size}_later_age_s", ages.oldest_after(60 * FIRST_MINUTES), "s", "",
            f"the same after the first {FIRST_MINUTES:g} minutes, when all workers are known",
        )  # fmt: skip
    record(f"live_{size}_gb", peak_gb, "GB", "", "most memory of the aggregator in that run")
    print(f"{workers:,} workers: at most {max(ages.stream_s):.0f} s old, {peak_gb:.2f} GB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=20)
    chosen = parser.parse_args()
    measure(chosen.workers, chosen.minutes)
