"""Hourly figures that are counted already: by whatever import, or by the pool itself.

Two exports that overlap begin differently, so their positions do not tell. An hour of a worker that
has work is left as it is; hours that only days are kept of cannot be told, and count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import scalar_row

from aggregator.figures.minutes.dirty import timestamp
from aggregator.imports.boundary import SQL
from aggregator.intake.workers.registry import UNKNOWN, Registry
from aggregator.postgres.connection import Connection
from aggregator.postgres.int4_array import Int4Array
from ingest.history.chunk import HistoryChunk
from schemas.runtime.arrays import distinct

# As PostgreSQL's *send functions write them: see counted_hours.
_PACKED: Final = np.dtype([("worker_id", ">i4"), ("hour", ">i4")])
_HOUR_S: Final = 3_600

Keys = NDArray[np.int64]


@dataclass(slots=True)
class CountedHours:
    """Those in the database, and `unwritten` ones of the transaction to come. One task owns it."""

    registry: Registry
    unwritten: list[Keys] = field(default_factory=list)

    async def of(
        self, connection: Connection, chunk: HistoryChunk, index: NDArray[np.int32]
    ) -> NDArray[np.bool_]:
        """bool[n]: the hour of this row's worker has work; all rows count as unwritten then."""
        worker_id = np.zeros(len(index), np.int64)
        named = index != UNKNOWN
        worker_id[named] = self.registry.columns_of(index[named].astype(np.int64)).worker_id
        hour = chunk.batch.timestamp_ms // (_HOUR_S * 1_000)
        keys = _keys(worker_id, hour)
        known = np.isin(keys, await _stored(connection, worker_id, hour))
        for unwritten in self.unwritten:
            known |= np.isin(keys, unwritten)
        self.unwritten.append(keys)
        return known

    def written(self) -> None:
        self.unwritten.clear()


async def _stored(
    connection: Connection, worker_id: NDArray[np.int64], hour: NDArray[np.int64]
) -> Keys:
    """Hours of these workers that are stored, in the span of `hour`."""
    parameters = {
        "worker_ids": Int4Array(distinct(worker_id.astype(np.int32))),
        "from": timestamp(int(hour.min()) * _HOUR_S),
        "to": timestamp(int(hour.max()) * _HOUR_S),
    }
    async with connection.cursor(binary=True, row_factory=scalar_row) as cursor:
        await cursor.execute(SQL["counted_hours"], parameters)
        table = np.frombuffer(await cursor.fetchone() or b"", _PACKED)
    return _keys(table["worker_id"].astype(np.int64), table["hour"].astype(np.int64))


def _keys(worker_id: NDArray[np.int64], hour: NDArray[np.int64]) -> Keys:
    return (worker_id << 32) + hour
