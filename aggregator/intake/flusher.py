"""Flushes checkpoints one after the other, beside the loop that fills the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from aggregator.intake.checkpoint import Checkpoint
from aggregator.intake.flush import Flushed, Writer
from aggregator.intake.partitions.offsets import Stream
from aggregator.intake.tasks import cancelled
from aggregator.postgres.retry import DatabaseRetry
from ingest.dead_letters.sink import DeadLetterSink
from ingest.errors import RetryableError
from schemas.runtime.clock import Clock
from schemas.runtime.tracing import span

log = structlog.get_logger(__name__)


class Flusher:
    """At most one flush at a time; a checkpoint is written once or not at all."""

    def __init__(
        self, writer: Writer, database: DatabaseRetry, dead_letters: DeadLetterSink, *, clock: Clock
    ) -> None:
        self._writer = writer
        self._database = database
        self._dead_letters = dead_letters
        self._clock = clock
        self._running: asyncio.Task[None] | None = None
        # What the dead letter topic said, while it does not accept; empty otherwise.
        self.dead_letter_error = ""

    @property
    def busy(self) -> bool:
        return self._running is not None and not self._running.done()

    def start(
        self,
        stream: Stream,
        checkpoint: Checkpoint,
        after: Callable[[Checkpoint, Flushed, float], Awaitable[None]],
    ) -> None:
        """Flush in the background, then call `after`; the flush before must be finished.

        Raises what that one raised."""
        assert not self.busy
        self.check()
        self._running = asyncio.create_task(self._flush(stream, checkpoint, after))

    async def wait(self, other: asyncio.Future[Any]) -> None:
        """Return when the flush that runs is over, or `other` is."""
        if self._running is not None:
            await asyncio.wait({self._running, other}, return_when=asyncio.FIRST_COMPLETED)

    async def finish(self) -> None:
        """Wait for the flush that runs; raises what it raised. Cancelled, it leaves it running."""
        if self._running is not None:
            await asyncio.wait({self._running})
            self.check()

    def check(self) -> None:
        """Raise what the last flush raised (once), if it is over."""
        if self._running is not None and self._running.done():
            running, self._running = self._running, None
            running.result()

    async def abandon(self) -> None:
        """Break off the flush that runs: its transaction is rolled back, or was committed."""
        # Out of everybody's sight first: `check` must not meet a flush that was cancelled here.
        running, self._running = self._running, None
        self.dead_letter_error = ""
        if running is not None:
            await cancelled(running)
            if not running.cancelled() and running.exception() is not None:
                log.warning("flush_abandoned", error=str(running.exception()))

    async def _flush(
        self,
        stream: Stream,
        checkpoint: Checkpoint,
        after: Callable[[Checkpoint, Flushed, float], Awaitable[None]],
    ) -> None:
        with span("flush", shares=checkpoint.shares, dead_letters=len(checkpoint.dead_letters)):
            if checkpoint.dead_letters:
                await self._send_dead_letters(checkpoint)
            rows = checkpoint.rows()
            started_s = self._clock.monotonic_s()
            flushed = await self._database.run(
                lambda connection: self._writer.flush(connection, stream, checkpoint, rows=rows)
            )
        await after(checkpoint, flushed, self._clock.monotonic_s() - started_s)

    async def _send_dead_letters(self, checkpoint: Checkpoint) -> None:
        pause_s = 0.2
        while True:
            try:
                await self._dead_letters.send(checkpoint.dead_letters)
            except RetryableError as error:
                self.dead_letter_error = str(error)
                log.warning("dead_letters_wait", error=str(error), retry_in_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 5.0)
            else:
                self.dead_letter_error = ""
                return
