"""One flush: offsets, producer sequences and worker minutes, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import Rollback

from aggregator.intake.checkpoint import Checkpoint
from aggregator.intake.config import IntakeConfig
from aggregator.intake.fold import MinuteRows
from aggregator.intake.partitions import offsets
from aggregator.intake.partitions.offsets import Advanced, Stream
from aggregator.intake.workers.details import SeenDetails, save_details
from aggregator.intake.workers.registry import Registry
from aggregator.postgres.binary_copy import binary_copy, timestamps
from aggregator.postgres.connection import Connection, bounded
from schemas.runtime.clock import Clock
from schemas.runtime.named_sql import load
from schemas.share import REJECT_REASONS
from schemas.windows import MINUTE_S

SQL: Final = load("aggregator.intake", "sql/flush.sql")

# In the order of `Writer.columns`: four ids and two counts, sums, and times.
_TYPES: Final = (">i8", *(">i4",) * 6, ">f8", ">f8", ">i8", *(">f8",) * len(REJECT_REASONS))
# The copy is sent in chunks, so that the heartbeat of the group can run in between.
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Flushed:
    """What one flush wrote."""

    rows: int = 0
    late_shares: int = 0
    # An earlier attempt had committed it, but its answer was lost.
    repeated: bool = False
    # Stream time by partition, as it is stored now.
    stream_ms: Mapping[int, int | None] = field(default_factory=dict)
    # By how much the clock of this host is ahead of the database's.
    clock_ahead_s: float = 0.0


class Writer:
    """Writes checkpoints; a failed flush has changed nothing and may be tried again unchanged.

    Rows are appended to `flushed_minutes`, which has no key: a flush costs little more than its
    bytes, and no two processes ever wait for each other. The leader adds them up into
    `worker_minutes` (aggregator/figures/minutes/merge.py).
    """

    def __init__(self, config: IntakeConfig, registry: Registry, clock: Clock) -> None:
        self._config = config
        self._registry = registry
        self._clock = clock
        # What this process has committed: details seldom change.
        self._details = SeenDetails()

    async def flush(
        self, connection: Connection, stream: Stream, checkpoint: Checkpoint, *, rows: MinuteRows
    ) -> Flushed:
        """Write `checkpoint`, whose shares fold into `rows`, in one transaction.

        Raises Fenced if another process owns one of its partitions, psycopg's errors if the
        database is away or full.
        """
        # Before the transaction, which should be short.
        data = self.encoded(rows) if len(rows) else b""
        details = SeenDetails()
        async with bounded(connection, self._config.transaction):
            # Rows first, offsets last: a process that freezes or loses its network while it sends
            # megabytes holds no lock that its successor, or the leader, would have to wait for.
            if data:
                await _append(connection, memoryview(data))
            advanced = await self._advance(connection, stream, checkpoint)
            if advanced is None:
                raise Rollback
            if checkpoint.sequences:
                await self._save_sequences(connection, stream, checkpoint)
            if details := checkpoint.details.newer_than(self._details):
                await save_details(connection, self._registry, details)
        self._details.update(details)
        if advanced is None:
            return Flushed(repeated=True)
        return Flushed(
            len(rows),
            _late_shares(checkpoint, rows),
            stream_ms=advanced.stream_ms,
            clock_ahead_s=advanced.clock_ahead_s,
        )

    async def _advance(
        self, connection: Connection, stream: Stream, checkpoint: Checkpoint
    ) -> Advanced | None:
        return await offsets.advance(
            connection,
            stream,
            list(checkpoint.partitions.values()),
            now_ms=self._clock.now_ms(),
            tolerance_s=self._config.clock_tolerance_s,
        )

    def encoded(self, rows: MinuteRows) -> bytes:
        """The rows as one binary COPY of `flushed_minutes`."""
        workers = self._registry.columns_of(rows.worker_index)
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
        for start in range(0, len(data), _CHUNK_BYTES):
            await copy.write(data[start : start + _CHUNK_BYTES])
