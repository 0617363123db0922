"""The beat of the figures: as of when the leader's figures are, known to this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from query_api.database import Database, Row
from query_api.errors import ApiError, UnavailableError
from schemas.named_sql import load

log: Final = structlog.get_logger()
SQL: Final = load("query_api", "sql/beat.sql")


@dataclass(frozen=True, slots=True, order=True)
class Beat:
    """One beat of the leader. Two equal beats mean equal figures.

    stream_time     how far the stream was taken in (X-As-Of)
    complete_to_s   end of the last complete minute, epoch seconds
    """

    epoch: int
    beat_at: datetime
    stream_time: datetime
    complete_to_s: int

    @property
    def complete_to(self) -> datetime:
        return datetime.fromtimestamp(self.complete_to_s, UTC)

    def age_s(self, now_s: float) -> float:
        return now_s - self.stream_time.timestamp()


def beat_of(row: Row) -> Beat | None:
    """The beat in a row of `leader`; None before the first one."""
    stream_time, complete_to = row["stream_time"], row["complete_to"]
    if stream_time is None or complete_to is None:
        return None
    beat_at = row["beat_at"] or datetime.fromtimestamp(0, UTC)
    return Beat(row["epoch"], beat_at, stream_time, int(complete_to.timestamp()))


class BeatWatch:
    """Knows the newest beat. Forgets it when the database cannot be asked, so that nothing is
    answered from memory that may not be true any more."""

    def __init__(self, database: Database, *, poll_s: float) -> None:
        self._database = database
        self._poll_s = poll_s
        self._beat: Beat | None = None

    @property
    def known(self) -> Beat | None:
        return self._beat

    def observe(self, row: Row) -> Beat:
        """Take the beat from a row that a query read together with its figures."""
        beat = beat_of(row)
        if beat is None:
            raise UnavailableError("there are no figures yet", retry_after_s=5)
        if self._beat is None or beat > self._beat:
            self._beat = beat
        return beat

    async def current(self) -> Beat:
        """The newest beat; asks the database when it is not known."""
        return self._beat or await self.refresh()

    async def refresh(self) -> Beat:
        try:
            row = await self._database.fetch_row(SQL["leader_beat"])
        except ApiError:
            self._beat = None
            raise
        beat = None if row is None else beat_of(row)
        self._beat = beat
        if beat is None:
            raise UnavailableError("there are no figures yet", retry_after_s=5)
        return beat

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.refresh()
            except ApiError as error:
                log.debug("beat_unknown", reason=error.message)
            await asyncio.sleep(self._poll_s)
