"""What can be seen of intake from outside: readiness, metrics, one log line a flush."""

from __future__ import annotations

import numpy as np
import structlog

from aggregator.intake.checkpoint import Checkpoint
from aggregator.intake.config import IntakeConfig
from aggregator.intake.flush import Flushed
from aggregator.intake.flusher import Flusher
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.postgres.retry import DatabaseRetry
from schemas.batch import ShareBatch
from schemas.runtime.metrics import counter, gauge, histogram
from schemas.share import ShareResult

log = structlog.get_logger(__name__)

# An idle fetch is answered every half second.
_SILENT_BROKER_S = 10.0


class IntakeMonitor:
    """Reads the parts of intake; changes none of them."""

    def __init__(
        self,
        config: IntakeConfig,
        partitions: AssignedPartitions,
        database: DatabaseRetry,
        flusher: Flusher,
    ) -> None:
        self._config = config
        self._partitions = partitions
        self._database = database
        self._flusher = flusher
        self._claimed = False
        self._broker_error = ""
        self._caught_up = False
        self._clock_error = ""

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the log when the partitions came has been consumed."""
        return self._caught_up

    def why_not_ready(self) -> str | None:
        """None if ready; else what is awaited, for `/readyz` and people."""
        if not self._database.health.ok:
            return f"database: {self._database.health.error}"
        if self._flusher.dead_letter_error:
            return f"dead letters: {self._flusher.dead_letter_error}"
        if self._broker_error:
            return f"broker: {self._broker_error}"
        if self._clock_error:
            return self._clock_error
        if not self._claimed:
            return "waiting for partitions"
        if not self._caught_up:
            return "catching up with the log"
        return None

    def broker(self, error: str) -> None:
        """Why the broker does not answer; empty if it does."""
        if error and not self._broker_error:
            log.warning("broker_away", error=error)
        self._broker_error = error

    def rebalanced(self, partitions: int) -> None:
        """The group assigned so many; a process without any stands by and is ready."""
        self._claimed = self._caught_up = partitions == 0
        counter("rebalances_total").inc()
        # The lag of other partitions is reported by the processes that own them.
        gauge("lag_messages").clear()

    def claimed(self) -> None:
        self._claimed = True

    def collected(self, batch: ShareBatch) -> None:
        """The shares of one fetch are in the checkpoint."""
        rejected = batch.result[batch.result != 0]  # few: counting all codes costs ten times this
        by_result = np.bincount(rejected, minlength=len(ShareResult)).tolist()
        by_result[ShareResult.ACCEPTED] = len(batch) - len(rejected)
        for result in ShareResult:
            if by_result[result]:
                counter("shares_total").labels(result=result.wire).inc(by_result[result])

    def duplicates(self, messages: int) -> None:
        """So many messages of a fetch were dropped."""
        if messages:
            counter("duplicate_messages_total").inc(messages)
            log.info("duplicates_dropped", messages=messages)

    def replayed(self, shares: int, *, dead_letters_kept: int) -> None:
        """The fetch was part of a replay; `dead_letters_kept` of its messages were dead-lettered
        before and are not sent again."""
        if dead_letters_kept:
            log.info("dead_letters_not_sent_again", messages=dead_letters_kept)
        log.debug("replayed", shares=shares)

    def sealed(self, checkpoint: Checkpoint) -> None:
        """A checkpoint goes to the flusher."""
        for state in self._partitions:
            if state.progress is not None:
                gauge("lag_messages").labels(partition=str(state.partition)).set(state.progress.lag)
        stream_ms = self._partitions.stream_ms()
        if stream_ms is not None:
            gauge("stream_time_seconds").set(stream_ms / 1_000)
        self._note_silence()
        if all(part.caught_up for part in checkpoint.partitions.values()):
            self._caught_up = True

    def _note_silence(self) -> None:
        """aiokafka does not report that the broker is away; old answers show it."""
        silent_s = self._partitions.silent_ms() / 1_000
        self.broker(f"no answer for {silent_s:.0f} s" if silent_s > _SILENT_BROKER_S else "")

    def _note_clock(self, ahead_s: float) -> None:
        """A clock that jumped: stream time stands still until it is right again."""
        before, self._clock_error = self._clock_error, ""
        if self._config.clock == "wall" and abs(ahead_s) > self._config.clock_tolerance_s:
            where = "ahead of" if ahead_s > 0 else "behind"
            self._clock_error = (
                f"the clock of this host is {abs(ahead_s):.0f} s {where} the database's"
            )
            if not before:
                log.error("clock_wrong", ahead_s=round(ahead_s))

    def flushed(self, checkpoint: Checkpoint, flushed: Flushed, took_s: float) -> None:
        """It is committed."""
        self._note_clock(flushed.clock_ahead_s)
        if checkpoint.is_empty:
            return
        histogram("flush_seconds").observe(took_s)
        histogram("flush_rows").observe(flushed.rows)
        if flushed.late_shares:
            counter("late_shares_total").inc(flushed.late_shares)
        log.info(
            "flushed",
            shares=checkpoint.shares,
            rows=flushed.rows,
            late_shares=flushed.late_shares,
            dead_letters=len(checkpoint.dead_letters),
            took_ms=round(took_s * 1_000),
            lag=sum(state.progress.lag for state in self._partitions if state.progress is not None),
            repeated=flushed.repeated,
        )
