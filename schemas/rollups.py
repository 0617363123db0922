"""The one definition of every rollup: the SELECT that makes a level from the level below it.

On TimescaleDB it is the body of a continuous aggregate, on plain PostgreSQL it fills the table of
closed buckets under a view of the same name and columns. It keeps to what continuous aggregates
allow: a bare `time_bucket` group key, no subquery, and sums of integers cast back to bigint, since
they turn numeric otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.share import REJECT_REASONS
from schemas.windows import MINUTES, LevelSpec

COUNT_COLUMNS: Final = ("accepted_count", "rejected_count")
DIFFICULTY_COLUMNS: Final = ("accepted", "rejected", *REJECT_REASONS)
SUM_COLUMNS: Final = (*COUNT_COLUMNS, *DIFFICULTY_COLUMNS)


@dataclass(frozen=True, slots=True)
class Family:
    """A table of minutes and the rollups above it: `worker_minutes`, `worker_15m`, ..."""

    name: str
    key: str

    def relation(self, level: str) -> str:
        return f"{self.name}_{level}"

    def closed_relation(self, level: str) -> str:
        """Plain PostgreSQL: the table of the rows of closed buckets; minutes have but one."""
        return self.relation(level) if level == MINUTES else f"{self.relation(level)}_closed"


WORKERS: Final = Family("worker", key="worker_id")
ENTITIES: Final = Family("entity", key="entity_id")
FAMILIES: Final = (WORKERS, ENTITIES)

SHIM_SCHEMA: Final = "hashgauge_shim"
"""Where plain PostgreSQL keeps its `time_bucket` (TimescaleDB brings its own)."""


def rollup_select(family: Family, level: LevelSpec, *, where: str = "", plain: bool = False) -> str:
    """The SELECT of `level`; `where` narrows it to a range of buckets of the level below.

    `plain`: as plain PostgreSQL runs it, over buckets that are closed.
    """
    sums = ", ".join(
        [f"sum({column})::bigint as {column}" for column in COUNT_COLUMNS]
        + [f"sum({column}) as {column}" for column in DIFFICULTY_COLUMNS]
    )
    function = f"{SHIM_SCHEMA}.time_bucket" if plain else "time_bucket"
    below = family.closed_relation(level.below) if plain else family.relation(level.below)
    return (
        f"select {function}(interval '{level.width_s} seconds', bucket) as bucket, {family.key}, "  # noqa: S608
        f"{sums} from {below} {where} group by 1, 2"
    )
