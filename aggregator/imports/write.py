"""One transaction of an import: work, positions, workers; all of it or nothing.

    before minutes_from   rollup rows, each level from what is as old as it still holds
    from there on         worker minutes on top of what is there; entity minutes and rollups are
                          made anew from them, as the leader does with late shares

Minutes are the leader's, and its windows reach a week back: it is deposed first where either is
concerned, waits for this transaction, and begins anew with what it wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.minutes.dirty import Dirty, timestamp
from aggregator.figures.minutes.entity_minutes import write_entity_minutes
from aggregator.figures.minutes.flushed import NO_SHARE_US, FoldedMinutes
from aggregator.figures.minutes.merge import add_minutes
from aggregator.figures.rollups.store import RollupStore
from aggregator.imports.ages import Ages
from aggregator.imports.boundary import SQL
from aggregator.imports.buckets import Buckets
from aggregator.imports.relations import Relations
from aggregator.intake.workers.registry import Registry
from aggregator.postgres.binary_copy import send_copy, timestamps
from aggregator.postgres.connection import Connection
from schemas.rollups import FAMILIES, WORKERS
from schemas.runtime.arrays import distinct
from schemas.share import REJECT_REASONS
from schemas.windows import LEVELS, MINUTE_S

_TYPES: Final = (">i8", ">i4", *(">i8",) * 2, *(">f8",) * (2 + len(REJECT_REASONS)))
_STAGES: Final = dict(zip(FAMILIES, ("import_rows", "import_entities"), strict=True))


@dataclass(slots=True)
class LastSeen:
    """When each worker of an import shared last, epoch seconds, by dense index."""

    at_s: dict[int, int] = field(default_factory=dict)

    def note(self, worker_index: NDArray[np.integer[Any]], at_s: NDArray[np.int64]) -> None:
        order = np.argsort(at_s, kind="stable")
        newest = dict(zip(worker_index[order].tolist(), at_s[order].tolist(), strict=True))
        for worker, seen_s in newest.items():
            self.at_s[worker] = max(seen_s, self.at_s.get(worker, 0))


@dataclass(frozen=True, slots=True)
class ImportWriter:
    """Writes into open transactions; commits nothing."""

    rollups: RollupStore
    relations: Relations
    registry: Registry

    async def write(self, connection: Connection, buckets: Buckets, ages: Ages) -> None:
        """`ages` are those of this transaction; buckets may be finer than it asks, never wider."""
        if buckets.start_s.max(initial=0) >= ages.windows_from_s:
            await connection.execute(SQL["depose_leader"])
        await connection.execute(SQL["unpack"])
        old = buckets.start_s < ages.minutes_from_s
        await self._write_rollups(connection, buckets.chosen(old), ages)
        if not old.all():
            await self._write_minutes(connection, buckets.chosen(~old))

    async def _write_rollups(self, connection: Connection, buckets: Buckets, ages: Ages) -> None:
        await connection.execute(SQL["create_stages"])
        for level, from_s in zip(LEVELS, ages.levels_from_s, strict=True):
            rows = buckets.chosen(buckets.start_s >= from_s).coarsened(level.width_s)
            if not len(rows):
                continue
            await self._stage(connection, rows)
            span = {
                "from": timestamp(int(rows.start_s.min())),
                "to": timestamp(int(rows.start_s.max())),
            }
            for family in FAMILIES:
                names = {
                    "relation": self.relations.of(family, level.name),
                    "key": family.key,
                    "stage": _STAGES[family],
                }
                for statement in ("add_to_known", "insert_new"):
                    await connection.execute(SQL[statement].format(**names), span)

    async def _stage(self, connection: Connection, rows: Buckets) -> None:
        await connection.execute(SQL["empty_stages"])
        columns: dict[str, NDArray[Any]] = {
            "bucket": timestamps(rows.start_s),
            WORKERS.key: self.registry.columns_of(rows.worker_index).worker_id,
            "accepted_count": rows.counts[0],
            "rejected_count": rows.counts[1],
            "accepted": rows.sums[0],
            "rejected": rows.sums[1],
            **dict(zip(REJECT_REASONS, rows.reasons, strict=True)),
        }
        nulls = {name: columns[name] == 0 for name in REJECT_REASONS}
        await send_copy(connection, SQL["stage"], columns, _TYPES, nulls=nulls)
        await connection.execute(SQL["stage_entities"])
        await connection.execute(SQL["analyze"])

    async def _write_minutes(self, connection: Connection, rows: Buckets) -> None:
        """Without share counts and times of shares: by those the leader would judge statuses."""
        order = np.lexsort((rows.worker_index, rows.start_s))
        rows = Buckets(
            rows.start_s[order],
            rows.worker_index[order],
            rows.counts[:, order],
            rows.sums[:, order],
            rows.reasons[:, order],
        )
        workers, none = self.registry.columns_of(rows.worker_index), np.zeros(len(rows), np.int64)
        minutes = rows.start_s // MINUTE_S
        folded = FoldedMinutes(
            minute=minutes,
            worker_id=workers.worker_id,
            miner_id=workers.miner_id,
            operator_id=workers.operator_id,
            source_id=none.astype(np.int32),
            accepted_count=none,
            rejected_count=none,
            accepted=rows.sums[0],
            rejected=rows.sums[1],
            last_share_us=np.full(len(rows), NO_SHARE_US),
            reasons=np.where(rows.reasons == 0, np.nan, rows.reasons),
        )
        await add_minutes(connection, folded)
        written = distinct(minutes).tolist()
        await write_entity_minutes(connection, written)
        dirty = [Dirty(minute * MINUTE_S) for minute in written]
        await self.rollups.refresh(connection, dirty)

    async def show_workers(
        self, connection: Connection, seen: LastSeen, *, now_s: int, removed_after_s: int
    ) -> None:
        index = np.array(list(seen.at_s), np.int64)
        await connection.execute(
            SQL["show_workers"],
            {
                "worker_ids": self.registry.columns_of(index).worker_id.tolist(),
                "lasts": [timestamp(at_s) for at_s in seen.at_s.values()],
                "removed_after_s": removed_after_s,
                "now_s": now_s,
            },
        )
