"""What intake tells the world: readiness, metrics, one log line a flush."""

from __future__ import annotations

import numpy as np
import structlog

from aggregator.minutes.checkpoint import Checkpoint
from aggregator.minutes.holdings import Holdings
from aggregator.minutes.patience import Patience
from aggregator.minutes.writer import Flushed
from schemas.batch import ShareBatch
from schemas.metrics import counter, gauge, histogram
from schemas.share import ShareResult

log = structlog.get_logger(__name__)

# An idle fetch is answered every half second.
_SILENT_BROKER_S = 10.0


class Watch:
    """Reads the parts of intake; changes none of them."""

    def __init__(self, holdings: Holdings, patience: Patience) -> None:
        self._holdings = holdings
        self._patience = patience
        self._claimed = False
        self._broker_error = ""
        self._caught_up = False

    @property
    def caught_up(self) -> bool:
        """Whether everything that lay in the log when the partitions came has been taken in."""
        return self._caught_up

    def why_not_ready(self) -> str | None:
        """None when ready; else what is awaited, for `/readyz` and people."""
        if not self._patience.health.ok:
            return f"database: {self._patience.health.error}"
        if self._broker_error:
            return f"broker: {self._broker_error}"
        if not self._claimed:
            return "waiting for partitions"
        if not self._caught_up:
            return "catching up with the log"
        return None

    def broker(self, error: str) -> None:
        """The last word of the broker; empty when it answers."""
        if error and not self._broker_error:
            log.warning("broker_away", error=error)
        self._broker_error = error

    def rebalanced(self, partitions: int) -> None:
        """The group gave us so many; a process without any stands by and is ready."""
        self._claimed = self._caught_up = partitions == 0
        counter("rebalances_total").inc()
        # Partitions that went elsewhere are told of there.
        gauge("lag_messages").clear()

    def claimed(self) -> None:
        self._claimed = True

    def took(self, batch: ShareBatch, repeats: int) -> None:
        """One fetch is in the checkpoint."""
        rejected = batch.result[batch.result != 0]  # few: counting all codes costs ten times this
        by_result = np.bincount(rejected, minlength=len(ShareResult)).tolist()
        by_result[ShareResult.ACCEPTED] = len(batch) - len(rejected)
        for result in ShareResult:
            if by_result[result]:
                counter("shares_total").labels(result=result.wire).inc(by_result[result])
        if repeats:
            counter("repeated_messages_total").inc(repeats)
            log.info("repeats_dropped", messages=repeats)

    def replayed(self, shares: int, *, letters_kept: int) -> None:
        """The fetch was one of a replay; `letters_kept` of its messages were dead-lettered before
        (or would be now) and are not sent again."""
        if letters_kept:
            log.info("dead_letters_not_sent_again", messages=letters_kept)
        log.debug("replayed", shares=shares)

    def sealed(self, checkpoint: Checkpoint) -> None:
        """A checkpoint goes to the flusher."""
        for held in self._holdings:
            if held.progress is not None:
                gauge("lag_messages").labels(partition=str(held.partition)).set(held.progress.lag)
        stream_ms = self._holdings.stream_ms()
        if stream_ms is not None:
            gauge("stream_time_seconds").set(stream_ms / 1_000)
        self._note_silence()
        if all(part.caught_up for part in checkpoint.partitions.values()):
            self._caught_up = True

    def _note_silence(self) -> None:
        """aiokafka does not say that the broker is away; answers that grow old do."""
        silent_s = self._holdings.silent_ms() / 1_000
        self.broker(f"no answer for {silent_s:.0f} s" if silent_s > _SILENT_BROKER_S else "")

    def flushed(self, checkpoint: Checkpoint, flushed: Flushed, took_s: float) -> None:
        """It is committed."""
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
            lag=sum(held.progress.lag for held in self._holdings if held.progress is not None),
            repeated=flushed.repeated,
        )
