"""The worker index: orders of very many workers, kept in numpy for one version of the figures.

PostgreSQL takes 0.5 to 1 s to find the first ten of 1,000,000 workers by hashrate (a parallel scan
of 289 MB; an index on what changes in every cycle doubles the cost of the cycle), and 4 s by name.
Here they are read once a version (a binary COPY), and a page takes some passes over arrays, 20 to
70 ms. Kept only while somebody asks for lists of that size.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from query_api.config import WorkerIndexConfig
from query_api.database import Database
from query_api.http.errors import ApiError
from query_api.telemetry.version import FiguresVersion, VersionPoller
from query_api.worker_index.names import NO_NAMES, Names
from schemas.runtime.named_sql import load
from schemas.worker import STATUS_CODES, WorkerStatus

log: Final = structlog.get_logger()
SQL: Final = load("query_api", "sql/worker_index.sql")

# A row of PGCOPY: the number of fields, then each with its length before it.
_FIELDS: Final = (
    ("worker_id", ">i4"),
    ("miner_id", ">i4"),
    ("status", ">i2"),
    ("accepted_15m", ">f8"),
    ("rejected_15m", ">f8"),
    ("accepted_1h", ">f8"),
    ("accepted_1d", ">f8"),
)
_ROW: Final = np.dtype(
    [("fields", ">i2")]
    + [part for name, kind in _FIELDS for part in ((f"{name}_bytes", ">i4"), (name, kind))]
)
_BY_URGENCY: Final = (
    *(WorkerStatus.UNAVAILABLE, WorkerStatus.OFF),
    *(WorkerStatus.STABLE, WorkerStatus.REMOVED),
)
_URGENCY: Final = np.asarray([_BY_URGENCY.index(status) for status in STATUS_CODES], np.float64)
"""Place in the default order, by the code of a status."""

_HEADER_BYTES: Final = 19
_TRAILER_BYTES: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Figures of all workers as of a version, by rising worker id."""

    version: FiguresVersion
    worker_id: NDArray[np.int32]
    miner_id: NDArray[np.int32]
    status: NDArray[np.int8]
    boundary: NDArray[np.bool_]
    keys: dict[str, NDArray[np.float64]]

    def without(self, worker_ids: Sequence[int]) -> Snapshot:
        """The same with these workers removed, by hand since the last cycle."""
        gone = np.isin(self.worker_id, np.asarray(worker_ids, np.int32))
        removed = np.int8(STATUS_CODES.index(WorkerStatus.REMOVED))
        return replace(self, status=np.where(gone, removed, self.status))


def snapshot_of(data: bytes, boundary_ids: Sequence[int], version: FiguresVersion) -> Snapshot:
    """From the bytes of a binary COPY in the order of `_FIELDS`."""
    body = memoryview(data)[_HEADER_BYTES : len(data) - _TRAILER_BYTES]
    rows = np.frombuffer(body, _ROW)
    order = np.argsort(rows["worker_id"], kind="stable")
    rows = rows[order]
    accepted, rejected = (
        rows[name].astype(np.float64) for name in ("accepted_15m", "rejected_15m")
    )
    submitted = accepted + rejected
    worker_id = rows["worker_id"].astype(np.int32)
    return Snapshot(
        version,
        worker_id,
        rows["miner_id"].astype(np.int32),
        rows["status"].astype(np.int8),
        np.isin(worker_id, np.asarray(boundary_ids, np.int32)),
        {
            "hash_rate_15m": accepted,
            "hash_rate_1h": rows["accepted_1h"].astype(np.float64),
            "hash_rate_24h": rows["accepted_1d"].astype(np.float64),
            "reject_pct_15m": np.divide(
                rejected, submitted, out=np.zeros_like(submitted), where=submitted > 0
            ),
        },
    )


@dataclass(frozen=True, slots=True)
class Named:
    """Names beside a snapshot: its workers' orders by them, and the places of their names."""

    snapshot: Snapshot
    names: Names
    places: NDArray[np.intp]
    keys: dict[str, NDArray[np.float64]]

    def holding(self, part: str) -> NDArray[np.bool_]:
        """Which workers of the snapshot have `part` in their names, in any case."""
        return self.names.holding(part)[self.places]


def named_of(snapshot: Snapshot, names: Names) -> Named:
    """`names` has to know all workers of the snapshot."""
    places = names.places(snapshot.worker_id)
    rank = names.rank[places].astype(np.float64)
    return Named(
        snapshot,
        names,
        places,
        {
            "worker_name": rank,
            # Exact: three times the number of workers is far below 2^53.
            "default": rank + len(names.rank) * _URGENCY[snapshot.status],
        },
    )


def select(
    snapshot: Snapshot,
    *,
    miner_ids: NDArray[np.int32] | None,
    statuses: Sequence[WorkerStatus],
    boundary: bool | None,
    named: NDArray[np.bool_] | None,
    among: Collection[int] | None = None,
) -> NDArray[np.intp]:
    """Positions of the workers that match; None: all miners, both behaviours, any name, any
    worker."""
    codes = [STATUS_CODES.index(status) for status in statuses]
    keep = np.isin(snapshot.status, np.asarray(codes, np.int8))
    if boundary is not None:
        keep &= snapshot.boundary == boundary
    if miner_ids is not None:
        keep &= np.isin(snapshot.miner_id, miner_ids)
    if named is not None:
        keep &= named
    if among is not None:
        keep &= np.isin(snapshot.worker_id, np.fromiter(among, np.int32, len(among)))
    return np.flatnonzero(keep)


def page_of(
    key: NDArray[np.float64], *, descending: bool, limit: int, offset: int
) -> NDArray[np.intp]:
    """Positions of `[offset, offset + limit)` in the order of (key, position), both in the same
    direction. Does not sort what is not on the page."""
    count = len(key)
    last = min(offset + limit, count)
    if offset >= count:
        return np.empty(0, np.intp)
    # Ranks rise with what comes first; equal keys are ordered below.
    first = -key if descending else key
    bound = np.partition(first, last - 1)[last - 1]
    nearer = np.flatnonzero(first < bound)
    level = np.flatnonzero(first == bound)
    if descending:
        level = level[::-1]
    candidates = np.concatenate((nearer, level[: last - len(nearer)]))
    ties = -candidates if descending else candidates
    return candidates[np.lexsort((ties, first[candidates]))][offset:last]


class WorkerIndex:
    """Keeps a snapshot of the newest version while it is asked for. Owned by one event loop."""

    def __init__(self, database: Database, watch: VersionPoller, config: WorkerIndexConfig) -> None:
        self._database = database
        self._version_poller = watch
        self._config = config
        self._snapshot: Snapshot | None = None
        # What was made of it for removals that are not carried out yet: (of, removed, made).
        self._reduced: tuple[Snapshot, frozenset[int], Snapshot] | None = None
        self._names = NO_NAMES
        # The last change of a name that `_names` has.
        self._renamed_to = 0
        self._named: Named | None = None
        self._asked_s = float("-inf")
        self._reading = asyncio.Lock()
        self._naming = asyncio.Lock()

    async def newest(self) -> Snapshot:
        """The snapshot, at most one version old; read first if there is none. Asking keeps it
        alive. UnavailableError while the database is away."""
        self._asked_s = time.monotonic()
        if self._snapshot is None or self._version_poller.known is None:
            await self._read()
        snapshot = self._snapshot
        assert snapshot is not None
        rows = await self._database.fetch(SQL["removals"])
        return await self._without(snapshot, frozenset(row["worker_id"] for row in rows))

    async def _without(self, snapshot: Snapshot, removed: frozenset[int]) -> Snapshot:
        if not removed:
            return snapshot
        known = self._reduced
        if known is None or known[:2] != (snapshot, removed):
            made = await asyncio.to_thread(snapshot.without, sorted(removed))
            known = self._reduced = (snapshot, removed, made)
        return known[2]

    async def named(self, snapshot: Snapshot) -> Named:
        """Names for a snapshot that `newest` gave, made once for each."""
        async with self._naming:
            if self._named is None or self._named.snapshot is not snapshot:
                self._named = await self._name(snapshot)
            return self._named

    async def _name(self, snapshot: Snapshot) -> Named:
        after = await asyncio.to_thread(self._names.last_before_unknown, snapshot.worker_id)
        renamed = await self._database.fetch_row(SQL["renamed"], self._renamed_to)
        if renamed is not None and renamed["worker_id"] is not None:
            self._renamed_to = renamed["until"]
            first = renamed["worker_id"] - 1
            after = first if after is None else min(first, after)
        if after is not None:
            row = await self._database.fetch_row(SQL["names"], after)
            assert row is not None, "an aggregate answers one row"
            packed = (row["ids"] or b"", row["lengths"] or b"", row["texts"] or b"")
            self._names = await asyncio.to_thread(self._names.with_more, *packed)
        return await asyncio.to_thread(named_of, snapshot, self._names)

    async def run(self) -> None:
        """Read a snapshot at each version while somebody asks, until cancelled."""
        while True:
            await asyncio.sleep(self._config.poll_s)
            if time.monotonic() - self._asked_s > self._config.keep_s:
                self._snapshot, self._reduced, self._named, self._names = None, None, None, NO_NAMES
            elif self._is_old():
                try:
                    await self._read()
                except ApiError as error:
                    log.debug("worker_index_not_read", reason=error.message)

    def _is_old(self) -> bool:
        snapshot = self._snapshot
        return snapshot is not None and snapshot.version != self._version_poller.known

    async def _read(self) -> None:
        """One at a time; who waited for another's finds it done."""
        async with self._reading:
            version = self._version_poller.known
            if self._snapshot is None or version is None or self._snapshot.version != version:
                self._snapshot = await self._load()

    async def _load(self) -> Snapshot:
        parts: list[bytes] = []

        async def take(data: bytes) -> None:
            parts.append(data)

        async with self._database.transaction(readonly=True) as connection:
            version = self._version_poller.observe(await connection.fetchrow(SQL["version"]))
            boundary = await connection.fetch(SQL["boundary_ids"])
            await connection.copy_from_query(SQL["figures"], output=take, format="binary")
        ids = [row["worker_id"] for row in boundary]
        # In a thread: 0.2 s of numpy would hold all other requests up.
        return await asyncio.to_thread(snapshot_of, b"".join(parts), ids, version)


async def miners_of(database: Database, *, column: str, entity_id: int) -> NDArray[np.int32] | None:
    """Inner ids of an entity's miners; None where these are all there are."""
    rows: Sequence[Any] = await database.fetch(SQL["miners"].replace("{scope}", column), entity_id)
    return None if rows[0]["all_of_them"] else np.asarray(rows[0]["ids"] or [], np.int32)
