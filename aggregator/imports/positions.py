"""How far each stream was imported: kept in the transaction of its rows, so nothing counts twice.

    stream   0 ─────────── open_from ─────────── next ─────▶
             all counted │ counted, but for what   │ not read
                         │ the live topic brings   │

Records on and after the boundary are left to the live topic. Should the boundary move before
anything is live, the second part is read again, and what was counted of it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aggregator.imports.boundary import SQL
from aggregator.postgres.connection import Connection
from aggregator.postgres.rows import rows
from ingest.errors import FatalError
from ingest.history.chunk import HistoryChunk, Start


@dataclass(frozen=True, slots=True)
class Position:
    """Of one stream; `counted_before_s` is the boundary that held when it was read."""

    next_place: int
    last_crc: int
    open_from: int | None
    counted_before_s: int


@dataclass(slots=True)
class Positions:
    """Those that are stored, and those of what was read since. One task owns it."""

    live_from_s: int
    stored: dict[str, Position] = field(default_factory=dict)
    read: dict[str, Position] = field(default_factory=dict)

    def starts(self) -> Mapping[str, Start]:
        return {stream: self._start(position) for stream, position in self.stored.items()}

    def counted_before_s(self, chunk: HistoryChunk) -> int:
        """Shares of the chunk from before this are counted already; 0 for a chunk that is new."""
        stored = self.stored.get(chunk.stream)
        if stored is None or chunk.start >= stored.next_place:
            return 0
        return stored.counted_before_s

    def advance(self, chunk: HistoryChunk, *, left_open: bool) -> None:
        """`left_open`: some of its shares are left to the live topic."""
        known = self.read.get(chunk.stream) or self._resumed(chunk.stream)
        open_from = known.open_from if known is not None else None
        if left_open and open_from is None:
            open_from = chunk.start
        self.read[chunk.stream] = Position(chunk.end, chunk.last_crc, open_from, self.live_from_s)

    @property
    def reads_again(self) -> bool:
        """What was read can't be written yet: the second part counts as a whole or not at all."""
        return any(
            position.next_place < self.stored[stream].next_place
            for stream, position in self.read.items()
            if stream in self.stored
        )

    async def write(self, connection: Connection) -> None:
        """Within the caller's open transaction. FatalError if another import was here."""
        for stream, position in sorted(self.read.items()):
            stored = self.stored.get(stream)
            cursor = await connection.execute(
                SQL["advance"],
                {
                    "stream": stream,
                    "next_place": position.next_place,
                    "last_crc": position.last_crc,
                    "open_from": position.open_from,
                    "counted_before_s": position.counted_before_s,
                    "begins": None if stored is None else stored.next_place,
                    "begins_open": None if stored is None else stored.open_from,
                },
            )
            if cursor.rowcount != 1:
                raise FatalError("another import reads the same: let it end, then run this again")

    def written(self) -> None:
        """What was read is stored now."""
        self.stored |= self.read
        self.read.clear()

    def _start(self, position: Position) -> Start:
        if position.open_from is None or position.counted_before_s >= self.live_from_s:
            return Start(position.next_place, position.last_crc)
        return Start(position.open_from, position.last_crc, seam=position.next_place)

    def _resumed(self, stream: str) -> Position | None:
        """What stays of the stored position: nothing of it is open if it is read again."""
        stored = self.stored.get(stream)
        if stored is None:
            return None
        if stored.counted_before_s >= self.live_from_s:
            return stored
        return replace(stored, open_from=None)


async def load_positions(connection: Connection, live_from_s: int) -> Positions:
    found = await rows(connection, SQL["positions"])
    return Positions(live_from_s, {row[0]: Position(*row[1:]) for row in found})
