"""Settings of the figures leader; defaults suit one pool of up to a few 100,000 workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from aggregator.figures.rollups.retention import Policies
from schemas.worker import StatusPolicy


@dataclass(frozen=True, slots=True)
class FiguresConfig:
    """Settings of the leader; times in seconds."""

    # "records": stream time is that of the records alone (replays); cycles follow it at once.
    clock: Literal["wall", "records"] = "wall"

    # Who holds the lease, for people who look into table `leader`; must differ between processes.
    holder: str = "figures"
    # Not renewed for this long, the lease may be taken. With `standby_poll_s` and a restart of a
    # cycle a standby writes within 30 s, and a garbage collection or a slow disk loses nothing.
    lease_s: float = 15.0
    # Three renewals may fail before the lease is lost.
    renew_s: float = 4.0
    standby_poll_s: float = 2.0

    # A frozen leader's transaction is ended by the database after this long, so that its row locks
    # do not stand in the way of the next one. Between two statements of a cycle lie milliseconds.
    idle_in_transaction_s: float = 15.0
    # Intake holds no lock that the leader needs for longer than one flush.
    lock_timeout_s: float = 20.0

    # Current figures are written this often, and just before a minute is over ...
    cycle_s: float = 15.0
    # ... counted from 5 s past the minute, when the flushes of the minute before are in.
    cycle_phase_s: float = 5.0
    # Two cycles that take a minute in begin at least this many times the duration of the first one
    # apart, and others rest alike: at 2 the database spends less than half its time on them.
    backoff_ratio: float = 2.0
    # How often a replay's stream time is looked at.
    records_poll_s: float = 0.25
    # After an error of the database: wait, then go on (or stand by, if the lease was lost).
    retry_s: float = 2.0

    # One cycle reads at most this many worker minutes (about 40 bytes each in memory), so that
    # catching up after hours takes several cycles instead of all the memory.
    rows_per_cycle: int = 4_000_000
    # With more workers than this the minute in progress is merged when it is over, once and not at
    # every cycle: half the work, and a worker's return is seen up to a minute later.
    merge_at_once_workers: int = 50_000
    # Minutes further back than this behind stream time are listed with their workers.
    late_after_min: int = 10
    # Boundary minutes written in one transaction; a day of 20 boundary workers.
    boundary_rows_per_chunk: int = 30_000

    # Stream time that moves on this far in one cycle without a share of anybody is an outage of the
    # service or of the broker, not the death of all workers: a timely cycle moves it by a minute.
    # Not used with clock=records.
    outage_gap_s: int = 180

    # Rollups that are not refreshed within the cycle (TimescaleDB), and old rows.
    refresh_every_s: float = 60.0
    retain_every_s: int = 3_600
    # A third of a cycle: at 300,000 rows a second and more, no pool writes as fast as that.
    retain_budget_s: float = 5.0

    status: StatusPolicy = field(default_factory=StatusPolicy)
    policies: Policies = field(default_factory=Policies)
