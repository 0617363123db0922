"""The live feed of events: one poller a process, a bounded queue for each reader."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from query_api.config import EventStreamConfig
from query_api.database import Database, Row
from query_api.http.errors import ApiError, TooManyRequestsError, UnavailableError
from query_api.http.rate_limits import Slots
from query_api.store import events

log: Final = structlog.get_logger()

BATCH: Final = 1_000


class Reader:
    """One stream's queue. `cut` is set when it could not keep up or when the service stops; the
    stream must end then, and the client resumes it."""

    def __init__(self, *, size: int) -> None:
        self.cut = False
        self._queue: asyncio.Queue[Row | None] = asyncio.Queue(size)

    def offer(self, row: Row) -> None:
        try:
            self._queue.put_nowait(row)
        except asyncio.QueueFull:
            self.cut = True

    def end(self) -> None:
        """Whoever waits for an event waits no longer."""
        self.cut = True
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)

    async def next(self, *, timeout_s: float) -> Row | None:
        """The next event; None when none came in time, or when the stream was cut."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._queue.get()
        except TimeoutError:
            return None


class LiveEvents:
    """Reads numbered events while somebody listens, and hands each to the readers whom it concerns.

    Readers are kept by inner id: pools and miners share one sequence.
    """

    def __init__(self, database: Database, config: EventStreamConfig) -> None:
        self._database = database
        self._config = config
        self._readers: defaultdict[int, set[Reader]] = defaultdict(set)
        self._count = 0
        self._slots = Slots(in_all=config.max_streams, of_one=config.max_streams_per_caller)
        self._sequence: int | None = None
        self._ended = False

    def end(self) -> None:
        """Ends all streams and begins no other: the service stops, and they have no end of their
        own."""
        self._ended = True
        for readers in self._readers.values():
            for reader in readers:
                reader.end()

    @asynccontextmanager
    async def reader(
        self, entity_id: int, *, names: tuple[str, ...]
    ) -> AsyncIterator[tuple[Reader, int]]:
        """A reader, and the sequence from which on it gets everything.

        names   who it counts for: the caller and the address; empty for the pool's own services

        TooManyRequestsError if one of them has its share already; UnavailableError if there are
        too many in all, or when the service stops.
        """
        sequence = await self._position()
        if self._ended:
            raise UnavailableError("the service stops", retry_after_s=5)
        if self._count >= self._config.max_streams:
            raise UnavailableError("too many event streams are open", retry_after_s=30)
        if not self._slots.take(*names):
            raise TooManyRequestsError("too many event streams of one caller", retry_after_s=30)
        reader = Reader(size=self._config.queue_size)
        self._readers[entity_id].add(reader)
        self._count += 1
        try:
            # The poller may have moved on while the reader was put up: what it had by then is
            # in the database, and read from there.
            yield reader, max(sequence, self._sequence or 0)
        finally:
            self._count -= 1
            self._slots.give_back(*names)
            self._readers[entity_id].discard(reader)
            if not self._readers[entity_id]:
                del self._readers[entity_id]

    async def _position(self) -> int:
        if self._sequence is None:
            newest = await events.newest_sequence(self._database)
            self._sequence = newest if self._sequence is None else self._sequence
        return self._sequence

    async def run(self) -> None:
        """Poll until cancelled. Without readers it forgets its place and asks nothing."""
        while True:
            await asyncio.sleep(self._config.poll_s)
            if not self._count:
                self._sequence = None
                continue
            try:
                await self._poll()
            except ApiError as error:
                log.debug("events_not_read", reason=error.message)

    async def _poll(self) -> None:
        full = True
        while full:
            rows = await events.after(self._database, await self._position(), limit=BATCH)
            for row in rows:
                self._sequence = row["sequence"]
                for entity_id in row["entity_ids"]:
                    for reader in tuple(self._readers.get(entity_id, ())):
                        reader.offer(row)
            full = len(rows) == BATCH
