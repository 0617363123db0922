"""False alarms of the status rule, and how fast it notices a dead worker, by share rate.

`python -m benchmarks.false_alarms` plays healthy workers (Poisson arrivals at a steady rate) minute
by minute through the service's own sweep, counts how often one is called unavailable, and lets all
of them die at the end. The fixed rules it is compared with see the same shares. Seeded.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.status.memory import Rows, SweepMemory
from aggregator.figures.status.rule import STABLE, UNAVAILABLE, evaluate
from aggregator.figures.status.sweep import SweepRule, sweep
from aggregator.figures.worker_arrays import NEVER_S, StatusColumns, WorkerTable
from benchmarks.results import record
from schemas.windows import DAY_S, MINUTE_S
from schemas.worker import StatusPolicy

RATES_PER_MIN: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 6.0)
FIXED_S: Final = (300, 600)
START_S: Final = 1_790_000_040 // MINUTE_S * MINUTE_S
TABLE: Final = Path(__file__).with_name("false_alarms.md")
# At most this many false alarms per 1,000 worker-days; the rates are shares a minute.
TARGETS: Final = {0.1: 2.0, 0.2: 1.0, 0.5: 1.0, 1.0: 1.0, 2.0: 1.0, 6.0: 1.0}


@dataclass(slots=True)
class Pool:
    """Healthy workers, `workers` of them at each rate, and what has been counted so far."""

    workers: int
    policy: StatusPolicy
    table: WorkerTable = field(init=False)
    memory: SweepMemory = field(default_factory=SweepMemory.new)
    alarms: NDArray[np.int64] = field(init=False)
    fixed_alarms: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        count = self.workers * len(RATES_PER_MIN)
        self.table = WorkerTable(capacity=count)
        self.table.add(
            StatusColumns.of(np.arange(1, count + 1), miner_id=1, operator_id=1, pool_id=1)
        )
        self.alarms = np.zeros(len(RATES_PER_MIN), np.int64)
        self.fixed_alarms = np.zeros((len(FIXED_S), len(RATES_PER_MIN)), np.int64)

    @property
    def rate_per_min(self) -> NDArray[np.float64]:
        return np.repeat(RATES_PER_MIN, self.workers)

    def by_rate(self, indices: NDArray[np.intp]) -> NDArray[np.int64]:
        return np.bincount(indices // self.workers, minlength=len(RATES_PER_MIN))

    def minute(self, minute_s: int, rows: Rows) -> None:
        columns = self.table.columns
        before_s = columns.last_share_s[rows.index]
        for i, limit_s in enumerate(FIXED_S):
            policy = StatusPolicy(silent_min_s=limit_s, silent_max_s=limit_s)
            interval_s = np.ones(len(before_s))
            codes = evaluate(before_s, interval_s, to_s=minute_s, policy=policy)
            fell = (codes != STABLE) & (before_s != NEVER_S)
            self.fixed_alarms[i] += self.by_rate(rows.index[fell])
        self.alarms += self.by_rate(self._fallen(rows, minute_s + MINUTE_S))

    def time_to_notice(self, died_s: int) -> NDArray[np.float64]:
        """All die at `died_s`: seconds until each is unavailable, float64[rates, workers]."""
        noticed_s = np.where(self.table.columns.status == STABLE, np.nan, 0.0)
        for to_s in range(died_s, died_s + 3 * self.policy.silent_max_s, MINUTE_S):
            noticed_s[self._fallen(Rows.none(), to_s)] = to_s - died_s
        assert not np.isnan(noticed_s).any()
        return noticed_s.reshape(len(RATES_PER_MIN), self.workers)

    def _fallen(self, rows: Rows, to_s: int) -> NDArray[np.intp]:
        found = sweep(
            self.memory,
            self.table.columns,
            self.table.counts,
            rows=rows,
            to_s=to_s,
            rule=SweepRule(self.policy, outage_gap_s=0),
        ).transitions
        fallen: NDArray[np.intp] = found.index[found.to_code == UNAVAILABLE]
        return fallen


def shares_of_minute(
    rng: np.random.Generator, rate_per_min: NDArray[np.float64], minute_s: int
) -> Rows:
    """Poisson arrivals of one minute. The last of n uniform instants is 60 s times U^(1/n)."""
    counts = rng.poisson(rate_per_min)
    indices = np.flatnonzero(counts)
    last_s = np.floor(MINUTE_S * rng.random(len(indices)) ** (1 / counts[indices])).astype(np.int64)
    return Rows(
        np.full(len(indices), minute_s),
        indices,
        counts[indices].astype(np.int64),
        minute_s + np.minimum(last_s, MINUTE_S - 1),
        np.zeros(len(indices), np.int32),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Per rate: false alarms per 1,000 worker-days, of the fixed rules too, and delays."""

    alarms: list[float]
    fixed_alarms: list[list[float]]
    noticed_median_s: list[float]
    noticed_slowest_s: list[float]


def simulate(*, workers: int, days: int, seed: int, policy: StatusPolicy) -> Outcome:
    pool = Pool(workers, policy)
    rng = np.random.default_rng(seed)
    rate_per_min = pool.rate_per_min
    end_s = START_S + days * DAY_S
    for minute_s in range(START_S, end_s, MINUTE_S):
        pool.minute(minute_s, shares_of_minute(rng, rate_per_min, minute_s))
    noticed_s = pool.time_to_notice(end_s)
    thousand_days = workers * days / 1_000
    return Outcome(
        (pool.alarms / thousand_days).tolist(),
        (pool.fixed_alarms / thousand_days).tolist(),
        np.median(noticed_s, axis=1).tolist(),
        np.quantile(noticed_s, 0.99, axis=1).tolist(),
    )


def markdown(outcome: Outcome) -> str:
    heads = (
        "shares a minute",
        "false alarms per 1,000 worker-days",
        "fixed 5 min",
        "fixed 10 min",
        "dead worker noticed after (median)",
        "slowest 1 %",
    )
    lines = [f"| {' | '.join(heads)} |", "|" + "--:|" * len(heads)]
    for i, rate in enumerate(RATES_PER_MIN):
        five, ten = (alarms[i] for alarms in outcome.fixed_alarms)
        lines.append(
            f"| {rate:g} | {outcome.alarms[i]:.2f} | {five:,.2f} | {ten:,.2f} "
            f"| {outcome.noticed_median_s[i] / 60:.0f} min "
            f"| {outcome.noticed_slowest_s[i] / 60:.0f} min |"
        )
    return "\n".join(lines) + "\n"


def store(outcome: Outcome, *, workers: int, days: int) -> None:
    worst = max(
        alarms for alarms, rate in zip(outcome.alarms, RATES_PER_MIN, strict=True) if rate > 0.1
    )
    fixed = [max(alarms) for alarms in outcome.fixed_alarms]
    scope = f"{workers} healthy workers at each rate, {days} days"
    record(
        "false_alarms_per_1000_worker_days",
        worst,
        "alarms",
        f"fixed 5 min: {fixed[0]:,.0f}, fixed 10 min: {fixed[1]:,.0f}, at their worst rates",
        f"worst of 0.2 to 6 shares/min; {scope}; at 0.1: {outcome.alarms[0]:.2f}",
    )
    slowest = outcome.noticed_median_s[0]
    record(
        "dead_worker_noticed_s",
        outcome.noticed_median_s[-1],
        "s",
        "",
        f"median at 6 shares/min (vardiff's aim); {slowest:,.0f} s at 0.1; {scope}",
    )
    TABLE.write_text(markdown(outcome))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=1_000, help="at each share rate")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    began = perf_counter()
    outcome = simulate(
        workers=options.workers, days=options.days, seed=options.seed, policy=StatusPolicy()
    )
    print(markdown(outcome))
    print(f"{perf_counter() - began:.0f} s")
    if not options.no_record:
        store(outcome, workers=options.workers, days=options.days)
    missed = [
        rate
        for rate, alarms in zip(RATES_PER_MIN, outcome.alarms, strict=True)
        if alarms > TARGETS[rate]
    ]
    if missed:
        raise SystemExit(f"too many false alarms at {missed} shares a minute")


if __name__ == "__main__":
    main()
