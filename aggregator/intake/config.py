"""Settings of intake; plain values, so that tests and the command line wire the same thing."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.intake.partitions.stream_time import StreamClock
from aggregator.postgres.connection import Bounds
from aggregator.postgres.retry import RetryTimes


@dataclass(frozen=True, slots=True)
class IntakeConfig:
    """How shares are consumed, each number with its reason."""

    # Who owns a partition, for `hashgauge offsets` and for people; any text.
    owner: str = "intake"
    # wall: live. records: replays and tests, where only record timestamps count.
    clock: StreamClock = "wall"
    # Minutes are read 5 s after they end, so two flushes of a minute's last shares fit in between.
    flush_interval_s: float = 2.0
    # With nothing to flush only stream time moves; once a second keeps figures from looking stale.
    heartbeat_interval_s: float = 1.0
    # 25 B a share in memory: a flush holds about 12 MB, buffers never more than twice that.
    flush_shares: int = 500_000
    buffered_shares: int = 1_000_000
    # A message can be dead-lettered whole; this bounds what waits for the next flush.
    buffered_dead_letter_bytes: int = 64 * 1024 * 1024
    # One fetch must decode in well under the session timeout: 20,000 messages are about 0.1 s.
    fetch_records: int = 20_000
    fetch_timeout_s: float = 0.2
    # How far the host's clock may be from the database's, with clock=wall: NTP keeps milliseconds.
    # A record stamped further ahead does not move stream time, nor does a clock that jumped.
    clock_tolerance_s: float = 60.0
    # A fetch younger than this that reached the end of the log proves there is nothing to wait for.
    fresh_fetch_s: float = 5.0
    # A broker that does not answer for this long counts as an outage, even if buffered shares
    # arrive later; the figures use the same number. Not used with clock=records.
    outage_gap_s: float = 180.0
    # Retention of minutes: a share before it could not be kept. Longer than the lateness limit.
    minutes_kept_s: int = 3 * 86_400
    # Unknown accounts become miners of the default pool, or their shares are dead-lettered.
    create_accounts: bool = True
    default_pool_title: str = "pool"
    # With so many miners intake creates no more for unknown accounts: it dead-letters their shares.
    # Each is a row for good, and a client may log in under any name; no pool has a tenth of it.
    miners_limit: int = 100_000
    # Beyond it a miner's shares count for its worker `(other)`: one account cannot exhaust us.
    workers_per_miner: int = 20_000
    # Stratum servers, not workers: more names than this is somebody's mistake.
    sources_limit: int = 10_000
    # A miner that moves to another operator counts there from the next minute or two on.
    operator_refresh_s: float = 30.0
    # How long a producer's highest sequence is remembered, and how many are held in memory. Longer
    # than minutes are kept: whenever a feed that was killed starts again, what it sends once more
    # is either known, or too old to count.
    sequences_kept_s: int = 4 * 86_400
    sequences_cached: int = 50_000
    # Pause between attempts while the database is away.
    retry_first_s: float = 0.2
    retry_longest_s: float = 5.0
    # How long a revoked partition may hold up the group while its last shares are flushed; the
    # rest is dropped here and read again by the next owner.
    revoke_flush_s: float = 10.0
    # A frozen owner must not block its successor: the server ends its transaction.
    idle_in_transaction_s: float = 15.0
    lock_timeout_s: float = 10.0
    statement_timeout_s: float = 60.0
    # A database that is connected and does not answer for so long (a cut wire) counts as away.
    database_silence_s: float = 70.0
    # Kafka's own offsets, for lag tools only.
    commit_interval_s: float = 5.0

    @property
    def transaction(self) -> Bounds:
        return Bounds(self.idle_in_transaction_s, self.lock_timeout_s, self.statement_timeout_s)

    @property
    def database_retry(self) -> RetryTimes:
        return RetryTimes(self.retry_first_s, self.retry_longest_s, self.database_silence_s)
