"""`feed ckpool DIR`: a ckpool share log directory → the topic, every share once.

scan ──► backlog (by time) ──► plan ──► send ──► acknowledge
  ▲                              └ in the position file, before anything is sent
  └── every poll: likely files; every `full_scan_s`: all of them
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import structlog

from ingest.errors import FatalError
from ingest.feeds.ckpool_backlog import PEEK_BYTES, Backlog, LogChunk
from ingest.feeds.ckpool_files import LogDirectory, LogFile
from ingest.feeds.ckpool_lines import BadLineError, parse_line
from ingest.feeds.exactly_once import Chunk, ExactlyOnceSender
from ingest.feeds.position import Positions, recall_since
from ingest.feeds.summary import IMPORTED, FeedSummary
from ingest.kafka.producer import ShareSink, stopped_within
from schemas.batch import batch_of
from schemas.runtime.clock import Clock, SystemClock

log = structlog.get_logger(__name__)

# Streams that are gone cost nothing but their rows.
_FORGET_EVERY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class CkpoolConfig:
    """What to read and how."""

    directory: Path
    # Beside the directory, not in it: ckpool may clean its own folder. One feed per file.
    position_path: Path | None = None
    # Go on reading what is appended, until stopped.
    follow: bool = False
    # Move all shares by the same whole number of minutes, so that the newest is less than a minute
    # old at the first start. Minutes keep their sums. The shift is remembered with the position.
    shift_to_now: bool = False
    # Shares from before this are not sent: `hashgauge import` has brought them. Remembered with the
    # position, like the shift.
    since_ms: int = 0
    # Name of the stratum server in the shares; also decides the partition.
    source: str = "ckpool"
    # ckpool writes a share within milliseconds; half a second is not felt in one-minute figures.
    poll_s: float = 0.5
    # Old folders are looked through so often; a file there that grows again is polled from then on.
    full_scan_s: float = 15.0
    # One durable write of the plan for so many messages.
    chunks_per_plan: int = 64

    @property
    def position(self) -> Path:
        if self.position_path is not None:
            return self.position_path
        return self.directory.parent / f"{self.directory.name}.hashgauge-position"


class CkpoolFeed:
    """One run over one directory. `summary` may be read while it runs."""

    def __init__(
        self, config: CkpoolConfig, sink: ShareSink, *, clock: Clock | None = None
    ) -> None:
        self._config = config
        self._sink = sink
        self._clock = clock or SystemClock()
        self.summary = FeedSummary()

    async def run(self, stop: asyncio.Event) -> FeedSummary:
        """Until everything is read, or with `follow` until `stop`.

        Raises FatalError if the directory or the position file cannot be used.
        """
        if not self._config.directory.is_dir():
            raise FatalError(f"no such directory: {self._config.directory}")
        with Positions(self._config.position) as positions:
            directory = LogDirectory(self._config.directory, positions.next)
            try:
                await self._run(positions, directory, stop=stop)
            finally:
                directory.close()
        return self.summary

    async def _run(
        self, positions: Positions, directory: LogDirectory, *, stop: asyncio.Event
    ) -> None:
        config = self._config
        files = await asyncio.to_thread(directory.scan)
        shift_ms, run = self._shift(positions, directory)
        since_ms = recall_since(positions, config.since_ms)
        backlog = Backlog(source=config.source, shift_ms=shift_ms, since_ms=since_ms)
        sender = ExactlyOnceSender(
            self._sink, positions, self.summary, self._clock, key=config.source, run=run
        )
        await self._finish_plan(positions, directory, backlog, sender, stop=stop)
        last_full_s = forgot_s = self._clock.monotonic_s()
        positions.forget([file.stream for file in directory.files()])
        while not stop.is_set():
            self.summary.unreadable = len(directory.unreadable)
            await asyncio.to_thread(backlog.add, files)
            await self._drain(backlog, sender, stop=stop)
            if not config.follow or await stopped_within(stop, config.poll_s):
                break
            everything = self._clock.monotonic_s() - last_full_s >= config.full_scan_s
            if everything:
                last_full_s = self._clock.monotonic_s()
                if last_full_s - forgot_s >= _FORGET_EVERY_S:
                    forgot_s = last_full_s
                    positions.forget([file.stream for file in directory.files()])
            files = await asyncio.to_thread(directory.scan, everything=everything)

    async def _drain(
        self, backlog: Backlog, sender: ExactlyOnceSender, *, stop: asyncio.Event
    ) -> None:
        """Send everything that is queued."""
        while not stop.is_set():
            chunks = await asyncio.to_thread(backlog.take, self._config.chunks_per_plan)
            self._note_gone(backlog)
            if not chunks or not await sender.send(self._chunks(chunks), stop=stop):
                return

    async def _finish_plan(
        self,
        positions: Positions,
        directory: LogDirectory,
        backlog: Backlog,
        sender: ExactlyOnceSender,
        *,
        stop: asyncio.Event,
    ) -> None:
        """Send what an earlier run planned and may not have sent: the same cuts, the same names."""
        chunks: list[LogChunk] = []
        for span in positions.planned():
            file = directory.find(span.stream)
            if file is None:
                log.warning("planned_file_gone", stream=span.stream, bytes=span.end - span.start)
                self.summary.skipped["file_gone"] += 1
                positions.acknowledge([span])
                continue
            chunks.append(backlog.parse(file.read_span(span.start, span.end), span))
            file.offset = max(file.offset, span.end)
        await sender.send_planned(self._chunks(chunks), stop=stop)

    def _chunks(self, chunks: list[LogChunk]) -> list[Chunk]:
        for chunk in chunks:
            self.summary.read += chunk.lines
            self.summary.skipped.update(chunk.bad)
            bad = {reason: count for reason, count in chunk.bad.items() if reason != IMPORTED}
            if bad:
                log.warning("bad_lines", stream=chunk.span.stream, **bad)
        return [Chunk(chunk.span, batch_of(chunk.shares)) for chunk in chunks]

    def _note_gone(self, backlog: Backlog) -> None:
        if backlog.gone:
            self.summary.skipped["file_gone"] += len(backlog.gone)
            backlog.gone.clear()

    def _shift(self, positions: Positions, directory: LogDirectory) -> tuple[int, str]:
        """(shift in ms, prefix of producer ids), as this position file began."""
        if not self._config.shift_to_now:
            shift, run = positions.recall("shift_ms", "0"), positions.recall("run", "ckpool/")
        else:
            # The same log shifted another time is meant to count another time.
            shift = positions.recall("shift_ms", str(self._shift_to_now_ms(directory)))
            run = positions.recall("run", f"ckpool-{uuid4().hex}/")
        if (run == "ckpool/") == self._config.shift_to_now:
            raise FatalError(
                f"{self._config.position} belongs to a run "
                f"{'without' if self._config.shift_to_now else 'with'} --shift-to-now: "
                "give another position file"
            )
        return int(shift), run

    def _shift_to_now_ms(self, directory: LogDirectory) -> int:
        newest_ms = max((_newest_ms(file) for file in directory.files()), default=0)
        return (self._clock.now_ms() - newest_ms) // 60_000 * 60_000 if newest_ms else 0


def _newest_ms(file: LogFile) -> int:
    """Time of the last whole line that is a share; 0 if there is none near the end."""
    size = file.offset + file.unread_bytes()
    tail = file.read_span(max(size - PEEK_BYTES, 0), size)
    for line in reversed(tail.split(b"\n")[:-1]):
        try:
            return parse_line(line, source="").timestamp_ms
        except BadLineError:
            continue
    return 0
