"""Stats, charts and rejects of workers, miners, operators and pools."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from schemas.rollups import ENTITIES, WORKERS, Family
from schemas.runtime.named_sql import load
from schemas.windows import MINUTES

SQL: Final = load("query_api", "sql/telemetry.sql")


class Subject(StrEnum):
    """What has figures."""

    WORKER = "worker"
    MINER = "miner"
    OPERATOR = "operator"
    POOL = "pool"
    DONOR = "donor"
    """A miner, as the giver of boundary workers."""

    @property
    def noun(self) -> str:
        return Subject.MINER.value if self is Subject.DONOR else self.value

    @property
    def stands_in_path(self) -> bool:
        """One id in the path; workers and miners are listed as `id` in the query."""
        return self in (Subject.OPERATOR, Subject.POOL, Subject.DONOR)


@dataclass(frozen=True, slots=True)
class _Source:
    """Blocks of the SQL that name who is asked for and which rows are theirs; and whose rows."""

    asked: str
    theirs: str
    family: Family


_SOURCES: Final = {
    Subject.WORKER: _Source("workers", "of_worker", WORKERS),
    Subject.MINER: _Source("miners", "of_entity", ENTITIES),
    Subject.OPERATOR: _Source("operators", "of_entity", ENTITIES),
    Subject.POOL: _Source("pools", "of_entity", ENTITIES),
    Subject.DONOR: _Source("miners", "of_donor", WORKERS),
}


def scopes_statement(subject: Subject) -> str:
    """Where each of the ids hangs now: the ids above it, and of a boundary worker its donor's."""
    return SQL[_SOURCES[subject].asked]


@cache
def statement(name: str, subject: Subject, *, level: str) -> str:
    """`stats`, `chart`, `running`, `rejects` or `share_counts` of a subject, from figures, minutes
    or a rollup (the last two: from minutes and both)."""
    source = _SOURCES[subject]
    blocks = {
        "{parts}": SQL["parts"],
        "{asked}": SQL[source.asked],
        "{theirs}": SQL[source.theirs],
        "{within}": SQL["within_minutes" if level == MINUTES else "within_rollup"],
        "{relation}": source.family.relation(level),
        "{quarters}": source.family.relation("15m"),
        "{hours}": source.family.relation("1h"),
    }
    text = SQL[name]
    for place, block in blocks.items():
        # On lines of its own: a block may begin with a comment.
        text = text.replace(place, f"\n{block}\n")
    return text
