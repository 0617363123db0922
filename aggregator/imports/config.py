"""Settings of an import."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.intake.partitions.stream_time import StreamClock
from aggregator.postgres.connection import Bounds


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """How much is written at once, and what a transaction may wait for."""

    # records: stream time is that of records, which begins with them and not where history ends.
    clock: StreamClock = "wall"
    # 100 B a row in memory. More rows at once mean fewer updates of buckets that were written
    # before; a run that is killed reads again what it had not written.
    rows_per_write: int = 500_000
    # A log of few workers folds into few rows for long: written this often all the same.
    write_every_s: float = 20.0
    # Half a million rows in three levels take 15 s; a slow disk ten times as long.
    statement_timeout_s: float = 600.0
    # The leader's transaction of a cycle, or one of another import.
    lock_timeout_s: float = 60.0
    idle_in_transaction_s: float = 60.0

    @property
    def transaction(self) -> Bounds:
        return Bounds(self.idle_in_transaction_s, self.lock_timeout_s, self.statement_timeout_s)
