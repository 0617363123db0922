"""Telemetry answers, kept while the version of the figures lasts; equal requests load once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from query_api.telemetry.fragments import Body, Fragments
from query_api.telemetry.query import Figures, TelemetryQuery, scopes_of
from query_api.telemetry.version import FiguresVersion

# Measured with tracemalloc over a full cache: the query with its key and the entry take 1,200
# bytes, each id that is asked for another 120, each fragment with its scopes 500.
ENTRY_BYTES: Final = 1_200
ID_BYTES: Final = 120
FRAGMENT_BYTES: Final = 500
BODY_BYTES: Final = 400

BODIES_MAX: Final = 2
"""Two views of one answer (all of it, and one miner's share) are common, more are not."""


_Loading: TypeAlias = tuple[TelemetryQuery, FiguresVersion | None]


@dataclass(slots=True)
class _Entry:
    answer: Fragments
    bytes: int
    scopes_at_s: float
    bodies: dict[frozenset[UUID], Body] = field(default_factory=dict)


class ResponseCache:
    """Answers of the current version, the least recently used leaving first; one load at a time for
    each query. Owned by one event loop.

    `scopes_s`: figures may stand still for hours while a miner changes its operator, so from where
    an answer may be seen is kept no longer than roles are.
    """

    def __init__(
        self,
        figures: Figures,
        *,
        max_bytes: int,
        scopes_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._figures = figures
        self._max_bytes = max_bytes
        self._scopes_s = scopes_s
        self._clock_s = clock_s
        self._bytes = 0
        self._entries: OrderedDict[TelemetryQuery, _Entry] = OrderedDict()
        self._loading: dict[_Loading, asyncio.Future[Fragments | None]] = {}

    @property
    def bytes(self) -> int:
        """What the cache holds, by its own count."""
        return self._bytes

    async def get(self, query: TelemetryQuery) -> Fragments:
        """The answer as of the known version; loaded if it is not there."""
        while True:
            version = self._figures.version_poller.known
            entry = self._entries.get(query)
            if entry is not None and version is not None and entry.answer.version == version:
                self._entries.move_to_end(query)
                if self._clock_s() - entry.scopes_at_s < self._scopes_s:
                    return entry.answer
                return await self._with_scopes(query, entry)
            loading = (query, version)
            coming = self._loading.get(loading)
            if coming is None:
                return await self._load_for_all(loading)
            # Shielded: a caller that hangs up must not fail the others who wait for it.
            answer = await asyncio.shield(coming)
            if answer is not None:
                return answer

    def body(self, query: TelemetryQuery, answer: Fragments, visible: frozenset[UUID]) -> Body:
        """The bytes of an answer for those who see `visible`; remembered with the answer."""
        entry = self._entries.get(query)
        if entry is None or entry.answer is not answer:
            return Body.of(answer.body_for(visible))
        found = entry.bodies.get(visible)
        if found is None:
            found = Body.of(answer.body_for(visible))
            if len(entry.bodies) < BODIES_MAX:
                entry.bodies[visible] = found
                self._grow(entry, len(found.data) + BODY_BYTES + ID_BYTES * len(visible))
        return found

    async def _with_scopes(self, query: TelemetryQuery, entry: _Entry) -> Fragments:
        read_at_s = self._clock_s()
        scopes = await scopes_of(self._figures, query)
        if entry.scopes_at_s < read_at_s:
            entry.answer = entry.answer.seen_from(scopes)
            entry.scopes_at_s = read_at_s
        return entry.answer

    async def _load_for_all(self, loading: _Loading) -> Fragments:
        """Load in the caller's own task: one more would take 20 µs. If the caller hangs up, the
        others get None, and one of them loads."""
        coming = self._loading[loading] = asyncio.get_running_loop().create_future()
        answer = None
        try:
            answer = await self._load(loading[0])
        except Exception as error:
            coming.set_exception(error)
            coming.exception()  # seen, though perhaps nobody else waits
            raise
        finally:
            del self._loading[loading]
            if not coming.done():
                coming.set_result(answer)
        return answer

    async def _load(self, query: TelemetryQuery) -> Fragments:
        read_at_s = self._clock_s()
        answer = await query.load(self._figures)
        self._drop(query)
        if answer.by_uid:
            entry = self._entries[query] = _Entry(answer, 0, read_at_s)
            self._grow(entry, _size(answer))
        return answer

    def _grow(self, entry: _Entry, more: int) -> None:
        entry.bytes += more
        self._bytes += more
        while self._bytes > self._max_bytes and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))

    def _drop(self, query: TelemetryQuery) -> None:
        old = self._entries.pop(query, None)
        if old is not None:
            self._bytes -= old.bytes


def _size(answer: Fragments) -> int:
    bodies = sum(len(fragment.body) for fragment in answer.by_uid.values())
    fixed = ENTRY_BYTES + ID_BYTES * len(answer.uids) + FRAGMENT_BYTES * len(answer.by_uid)
    return fixed + bodies + len(answer.head) + len(answer.tail)
