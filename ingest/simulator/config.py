"""What pool the simulator plays, and how fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from schemas.share import ShareResult


def _reject_mix() -> dict[ShareResult, float]:
    """Weights close to what public pools report; they need not add up to one."""
    return {
        ShareResult.STALE: 70.0,
        ShareResult.LOW_DIFFICULTY: 12.0,
        ShareResult.JOB_NOT_FOUND: 8.0,
        ShareResult.DUPLICATE: 6.0,
        ShareResult.TIME_OUT_OF_RANGE: 2.0,
        ShareResult.UNAUTHORIZED: 1.0,
        ShareResult.INVALID: 1.0,
    }


@dataclass(frozen=True, slots=True)
class Outage:
    """A worker that is silent in [start_s, end_s), counted from the start of the simulation."""

    worker: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SourceOutage:
    """A stratum server that is down in [start_s, end_s); its workers wait or go to the next one."""

    source: int
    start_s: float
    end_s: float
    failover: bool = False


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The same seed, fleet and absolute start give the same shares, at any speed."""

    # Another seed, another pool.
    seed: int = 1
    # The pool. 300 workers make about 30 shares a second: lively, and easy on two cores.
    workers: int = 300
    # Miners that the workers belong to, the first one the largest. None: 12, or one for each 2,000
    # workers where that is more, so that none has more of them than intake keeps apart.
    accounts: int | None = None
    # Stratum servers that the workers are connected to.
    sources: int = 3
    # Nominal hashrates, log-spread: a small home miner to a hydro-cooled machine.
    hashrate_min_hps: float = 1e12
    hashrate_max_hps: float = 500e12
    # What vardiff aims at. 10 s is between btcpool's and ckpool's defaults.
    share_interval_s: float = 10.0
    # Both kinds are whole, so that sums in float64 are exact in any order.
    difficulties: Literal["power_of_two", "whole"] = "power_of_two"

    # Share of rejected shares, and the weights of their reasons.
    reject_ratio: float = 0.02
    reject_mix: dict[ShareResult, float] = field(default_factory=_reject_mix)
    # At 0.5 a day of 30 minutes on average about one worker of a hundred is silent at any time.
    outages_per_day: float = 0.5
    outage_mean_s: float = 1_800.0
    # A worker goes to another stratum server so often.
    reconnects_per_day: float = 1.0
    outages: tuple[Outage, ...] = ()
    source_outages: tuple[SourceOutage, ...] = ()
    # Each source's clock is off by a constant in ± this; record timestamps keep the true time.
    clock_skew_max_ms: int = 0
    # So many of the messages are sent twice, with the same producer id and sequence.
    duplicate_ratio: float = 0.0
    # So many of the shares arrive late, by up to `late_max_s`; the record timestamp shows it.
    late_ratio: float = 0.0
    late_max_s: float = 3_600.0

    # Stream time of the first share, ms since the epoch; None: now less `backfill_s`.
    start_ms: int | None = None
    # None: until stopped. Counted from the start, so it includes the back-fill.
    duration_s: float | None = None
    # Multiple of real time once the present is reached; None: as fast as the sink takes them.
    speed: float | None = 1.0
    # Played as fast as the sink takes it before the present, so that charts are not empty.
    backfill_s: float = 0.0
    # All of yesterday (UTC) and of today up to the back-fill is played before all else, one minute
    # of so many, with the work of all of them: whoever tries things out has a whole day to settle
    # within seconds. 0: no history.
    history_step_s: int = 0
    # Limit while running ahead of real time; spares brokers that keep only the newest megabytes.
    max_shares_per_s: float | None = None
    # Live: one message per source and second, as a stratum server with a small buffer writes them.
    flush_s: float = 1.0
    # Fast: one message per source and minute; never more than 60.
    fast_flush_s: float = 60.0
    # 10,000 shares in Arrow are about 330 KB, safely below the broker's usual limit of 1 MiB.
    max_shares_per_message: int = 10_000
    # Ends with one share on every partition, all at the very end: with `clock=records` the stream
    # time of every partition then is that instant, and all minutes before it are complete.
    final_share_per_partition: bool = False
    # Producer ids are `{run_id}/{source}`; None: new at each run, as a restarted program has it.
    run_id: str | None = None
    # Where the truth goes at the end: `.parquet` or `.json`; the plan goes beside it.
    truth_path: Path | None = None
