"""One flush: offsets, producer sequences and worker minutes, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.minutes import offsets
from aggregator.minutes.checkpoint import Checkpoint
from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.copy import binary_copy, timestamps
from aggregator.minutes.fold import MinuteRows
from aggregator.minutes.offsets import Connection, Stream
from aggregator.minutes.registry import Registry
from aggregator.minutes.transaction import bounded
from schemas.named_sql import load
from schemas.share import REJECT_REASONS
from schemas.windows import MINUTE_S

SQL: Final = load("aggregator.minutes", "sql/flush.sql")

# In the order of `Writer.columns`: four ids and two counts, sums, and times.
_TYPES: Final = (">i8", *(">i4",) * 6, ">f8", ">f8", ">i8", *(">f8",) * len(REJECT_REASONS))
# The copy is handed over in pieces, so that the heartbeat of the group gets its turn in between.
_PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Flushed:
    """What one flush wrote."""

    rows: int = 0
    late_shares: int = 0
    # The flush was committed by an attempt before, of which no answer came.
    repeated: bool = False


class Writer:
    """Writes checkpoints; a failed flush has changed nothing and may be tried again as it is.

    Rows are appended to `flushed_minutes`, which has no key: a flush costs little more than its
    bytes, and no two processes ever wait for each other. The leader adds them up into
    `worker_minutes` (aggregator/figures/merge.py).
    """

    def __init__(self, config: IntakeConfig, registry: Registry) -> None:
        self._config = config
        self._registry = registry

    async def flush(
        self, connection: Connection, stream: Stream, checkpoint: Checkpoint, *, rows: MinuteRows
    ) -> Flushed:
        """Write `checkpoint`, whose shares fold into `rows`, in one transaction.

        Raises Fenced where another process holds one of its partitions, psycopg's errors where the
        database is away or full.
        """
        # Before the transaction: it should hold the offsets' rows for as short as possible.
        data = self.encoded(rows) if len(rows) else b""
        async with bounded(connection, self._config):
            parts = list(checkpoint.partitions.values())
            if not await offsets.advance(connection, stream, parts):
                return Flushed(repeated=True)
            if checkpoint.sequences:
                await self._save_sequences(connection, stream, checkpoint)
            if data:
                await _append(connection, memoryview(data))
        return Flushed(len(rows), _late_shares(checkpoint, rows))

    def encoded(self, rows: MinuteRows) -> bytes:
        """The rows as one binary COPY of `flushed_minutes`."""
        workers = self._registry.columns_of(rows.slot)
        columns: dict[str, NDArray[Any]] = {
            "bucket": timestamps(rows.minute_s),
            "worker_id": workers.worker_id,
            "miner_id": workers.miner_id,
            "operator_id": workers.operator_id,
            "source_id": rows.source,
            "accepted_count": rows.accepted_count,
            "rejected_count": rows.rejected_count,
            "accepted": rows.accepted,
            "rejected": rows.rejected,
            "last_share_at": timestamps(rows.last_share_s),
        }
        nulls = {
            "operator_id": workers.operator_id == 0,
            "source_id": rows.source <= 0,
            "last_share_at": rows.last_share_s < 0,
        }
        for reason, difficulty in zip(REJECT_REASONS, rows.reasons, strict=True):
            columns[reason] = np.zeros(len(rows))
            columns[reason][rows.reject_row] = difficulty
            nulls[reason] = columns[reason] == 0
        return binary_copy(columns, _TYPES, nulls=nulls)

    async def _save_sequences(
        self, connection: Connection, stream: Stream, checkpoint: Checkpoint
    ) -> None:
        await connection.execute(
            SQL["save_sequences"],
            {
                "cluster_id": stream.cluster_id,
                "topic": stream.topic,
                "partitions": [partition for partition, _ in checkpoint.sequences],
                "producer_ids": [producer_id for _, producer_id in checkpoint.sequences],
                "sequences": list(checkpoint.sequences.values()),
            },
        )


def _late_shares(checkpoint: Checkpoint, rows: MinuteRows) -> int:
    """Shares of minutes that ended more than a minute before stream time: the leader has read
    them by then."""
    times = [part.stream_ms for part in checkpoint.partitions.values() if part.stream_ms]
    if not times:
        return 0
    late = rows.minute_s + 2 * MINUTE_S <= min(times) // 1_000
    return int((rows.accepted_count + rows.rejected_count)[late].sum())


async def _append(connection: Connection, data: memoryview) -> None:
    async with connection.cursor() as cursor, cursor.copy(SQL["append"]) as copy:
        for start in range(0, len(data), _PIECE_BYTES):
            await copy.write(data[start : start + _PIECE_BYTES])
