"""A ckpool share log directory of any age, file by file."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final, Self

from ingest.errors import FatalError
from ingest.feeds.ckpool_files import LogDirectory, LogFile
from ingest.feeds.ckpool_lines import BadLineError, lines_in, parse_line
from ingest.history.chunk import HistoryChunk, Start
from schemas.batch import batch_of
from schemas.share import Share

# About 7,000 lines: parsed in 40 ms, between which the event loop runs.
_BLOCK_BYTES: Final = 4 << 20


class CkpoolHistory:
    """Every `.sharelog` of the directory; a file is known by its first line, not by its name.

    The last line of a file counts once it is whole.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise FatalError(f"no such directory: {root}")
        self._directory = LogDirectory(root, lambda _: 0)
        self._files = self._directory.scan()
        self.unreadable = len(self._directory.unreadable)
        self.total = sum(file.unread_bytes() for file in self._files)

    async def chunks(self, starts: Mapping[str, Start]) -> AsyncIterator[HistoryChunk]:
        """In the order of heights and jobs, which is nearly that of time."""
        try:
            for file in self._files:
                start = starts.get(file.stream, Start(0, 0))
                file.offset = start.place
                while chunk := await asyncio.to_thread(_next_chunk, file, start.seam):
                    yield chunk
                file.close()
        finally:
            self.close()

    def close(self) -> None:
        self._directory.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self.close()


def _next_chunk(file: LogFile, seam: int) -> HistoryChunk | None:
    """None at the end of what is written."""
    begin = file.offset
    limit = seam - begin if begin < seam < begin + _BLOCK_BYTES else _BLOCK_BYTES
    block = file.read_lines(limit)
    if not block:
        return None
    shares: list[Share] = []
    refused: Counter[str] = Counter()
    for line in lines_in(block):
        try:
            shares.append(parse_line(line, source=""))
        except BadLineError as error:
            refused[error.reason] += 1
    file.offset = begin + len(block)
    records = len(shares) + refused.total()
    crc = zlib.crc32(block[block.rfind(b"\n", 0, -1) + 1 :])
    return HistoryChunk(file.stream, begin, file.offset, crc, batch_of(shares), records, refused)
