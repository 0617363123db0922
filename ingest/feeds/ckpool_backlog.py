"""Unread lines of many ckpool logs, cut into messages in the order of time."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import structlog

from ingest.feeds.ckpool_files import LogFile
from ingest.feeds.ckpool_lines import BadLineError, lines_in, parse_line
from ingest.feeds.exactly_once import TOGETHER_MS
from ingest.feeds.position import Span
from ingest.feeds.summary import IMPORTED
from schemas.share import Share
from schemas.windows import MINUTE_S

log = structlog.get_logger(__name__)

# About 1,700 lines: a message of 60 KB in Arrow.
BLOCK_BYTES = 1 << 20
PEEK_BYTES = 8 << 10
_OLDER_MINUTES = TOGETHER_MS // (MINUTE_S * 1_000)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that ends at `end`: a share, or why it is none."""

    end: int
    share: Share | None
    bad: str = ""


@dataclass(frozen=True, slots=True)
class LogChunk:
    """Lines of one file that become one message."""

    span: Span
    shares: list[Share]
    bad: Counter[str]

    @property
    def lines(self) -> int:
        return len(self.shares) + self.bad.total()


class Backlog:
    """A heap of files by the time of their first unread line. One task owns it.

    A message holds lines of one file and at most one minute (older lines between them included, if
    not by an hour), so that files which grew side by side come out side by side:

        file a   |10:00 10:00|10:01 10:01|            messages: a 10:00, b 10:00, a 10:01, ...
        file b   |10:00|10:01 10:00 10:01|10:02
    """

    def __init__(self, *, source: str, shift_ms: int = 0, since_ms: int = 0) -> None:
        self._source = source
        self._shift_ms = shift_ms
        self._since_ms = since_ms
        self._heap: list[tuple[int, int, LogFile]] = []
        self._queued: set[str] = set()
        self._lines: dict[str, deque[Line]] = {}
        self._turn = count()
        self.gone: list[LogFile] = []

    def add(self, files: Iterable[LogFile]) -> None:
        """Queue files that may have unread lines."""
        for file in files:
            if file.stream not in self._queued:
                self._queue(file)

    def take(self, limit: int) -> list[LogChunk]:
        """Up to `limit` chunks, the oldest first; none where all that is written is read."""
        chunks: list[LogChunk] = []
        while self._heap and len(chunks) < limit:
            _, _, file = heapq.heappop(self._heap)
            self._queued.discard(file.stream)
            chunk = self._cut(file)
            if chunk is not None:
                chunks.append(chunk)
                self._queue(file)
        return chunks

    def parse(self, data: bytes, span: Span) -> LogChunk:
        """The chunk of a span that was planned before."""
        return _chunk(span, self._parse(data, span.start))

    def _queue(self, file: LogFile) -> None:
        first_ms = self._first_ms(file)
        if first_ms is not None:
            heapq.heappush(self._heap, (first_ms, next(self._turn), file))
            self._queued.add(file.stream)

    def _first_ms(self, file: LogFile) -> int | None:
        """Time of the first unread line; 0 (at once) where it is no share, None without a line."""
        lines: Iterable[Line] = self._lines.get(file.stream, ())
        for line in lines or self._peek(file):
            return 0 if line.share is None else line.share.timestamp_ms
        return None

    def _peek(self, file: LogFile) -> Iterator[Line]:
        return self._parse(self._read(file, PEEK_BYTES), file.offset)

    def _read(self, file: LogFile, limit: int) -> bytes:
        try:
            return file.read_lines(limit)
        except OSError as error:
            log.warning("file_gone", path=str(file.path), offset=file.offset, error=str(error))
            self.gone.append(file)
            return b""

    def _cut(self, file: LogFile) -> LogChunk | None:
        lines = self._lines.setdefault(file.stream, deque())
        if not lines:
            lines.extend(self._parse(self._read(file, BLOCK_BYTES), file.offset))
        taken: list[Line] = []
        minute: int | None = None
        while lines:
            share = lines[0].share
            if share is not None:
                minute = minute_of(share) if minute is None else minute
                if not minute - _OLDER_MINUTES <= minute_of(share) <= minute:
                    break
            taken.append(lines.popleft())
        if not lines:
            del self._lines[file.stream]
        if not taken:
            return None
        span = Span(file.stream, file.offset, taken[-1].end)
        file.offset = span.end
        return _chunk(span, taken)

    def _parse(self, data: bytes, start: int) -> Iterator[Line]:
        end = start
        for line in lines_in(data):
            end += len(line)
            try:
                share = parse_line(line, source=self._source, shift_ms=self._shift_ms)
            except BadLineError as error:
                yield Line(end, None, error.reason)
            else:
                is_new = share.timestamp_ms >= self._since_ms
                yield Line(end, share) if is_new else Line(end, None, IMPORTED)


def minute_of(share: Share) -> int:
    return share.timestamp_ms // (MINUTE_S * 1_000)


def _chunk(span: Span, lines: Iterable[Line]) -> LogChunk:
    shares: list[Share] = []
    bad: Counter[str] = Counter()
    for line in lines:
        if line.share is None:
            bad[line.bad] += 1
        else:
            shares.append(line.share)
    return LogChunk(span, shares, bad)
