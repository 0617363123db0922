"""The version of the figures: as of when the leader's figures are, known to this process."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from query_api.database import Database, Row
from query_api.http.errors import ApiError, UnavailableError
from schemas.runtime.named_sql import load

log: Final = structlog.get_logger()
SQL: Final = load("query_api", "sql/version.sql")


@dataclass(frozen=True, slots=True, order=True)
class FiguresVersion:
    """The figures as of one cycle of the leader. Two equal versions mean equal figures.

    stream_time     how far the stream was taken in (X-As-Of)
    watermark_s   end of the last complete minute, epoch seconds
    """

    epoch: int
    cycle_at: datetime
    stream_time: datetime
    watermark_s: int

    @property
    def watermark(self) -> datetime:
        return datetime.fromtimestamp(self.watermark_s, UTC)

    def age_s(self, now_s: float) -> float:
        return now_s - self.stream_time.timestamp()


def version_of(row: Row) -> FiguresVersion | None:
    """The version in a row of `leader`; None before the first one."""
    stream_time, watermark = row["stream_time"], row["watermark"]
    if stream_time is None or watermark is None:
        return None
    cycle_at = row["cycle_at"] or datetime.fromtimestamp(0, UTC)
    return FiguresVersion(row["epoch"], cycle_at, stream_time, int(watermark.timestamp()))


class VersionPoller:
    """Knows the newest version. Forgets it when the database cannot be asked, so that nothing is
    answered from memory that may not be true any more."""

    def __init__(self, database: Database, *, poll_s: float) -> None:
        self._database = database
        self._poll_s = poll_s
        self._version: FiguresVersion | None = None

    @property
    def known(self) -> FiguresVersion | None:
        return self._version

    def observe(self, row: Row) -> FiguresVersion:
        """Take the version from a row that a query read together with its figures."""
        version = version_of(row)
        if version is None:
            raise UnavailableError("there are no figures yet", retry_after_s=5)
        if self._version is None or version > self._version:
            self._version = version
        return version

    async def current(self) -> FiguresVersion:
        """The newest version; asks the database when it is not known."""
        return self._version or await self.refresh()

    async def refresh(self) -> FiguresVersion:
        try:
            row = await self._database.fetch_row(SQL["figures_version"])
        except ApiError:
            self._version = None
            raise
        version = None if row is None else version_of(row)
        self._version = version
        if version is None:
            raise UnavailableError("there are no figures yet", retry_after_s=5)
        return version

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.refresh()
            except ApiError as error:
                log.debug("version_unknown", reason=error.message)
            await asyncio.sleep(self._poll_s)
