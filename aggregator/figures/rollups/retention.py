"""How long minutes, rollups and events are kept, when they are compressed: settings.

`hashgauge migrate` puts them on TimescaleDB and changes them there; on plain PostgreSQL the leader
keeps the retention and the rest does not apply. That of events is the leader's on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from schemas.windows import LEVELS, LevelSpec

# Windows and P1W charts reach a week back and read 15m and 1h rollups; the day is for late cycles.
LONGEST_READ: Final = timedelta(days=8)
# Windows of 15m and 1h are rebuilt from minutes, and so are charts of PT15M and PT1H.
MINUTES_READ: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class LevelPolicy:
    """One rollup level."""

    # How long its rows are kept; nothing: for good.
    keep: timedelta | None
    # Beyond the lateness limit: refreshing inside a compressed rollup chunk costs 97 s, not 2.6 s.
    compress_after: timedelta
    # The rows of so long lie in one table: dropped, compressed and cached as one.
    chunk: timedelta


@dataclass(frozen=True, slots=True)
class Policies:
    """Every span by which stored figures age. Raises ValueError when they would eat each other."""

    # How late a share may be; the same setting as intake's.
    lateness: timedelta = timedelta(hours=48)
    # Three days: the lateness limit and a day to notice and mend a stopped leader.
    keep_minutes: timedelta = timedelta(days=3)
    # 16 GB a day at 100,000 workers before compression, a thirtieth of it after.
    compress_minutes_after: timedelta = timedelta(hours=2)
    # Up to 100,000 workers; 1 h beyond (the indexes of one chunk should fit into memory).
    minutes_chunk: timedelta = timedelta(hours=6)
    # Events, as long as hours: a day's availability comes from them. Never dropped is what waits
    # to be taken by a channel or delivered, and a worker's first and last event before the cut.
    keep_events: timedelta = timedelta(days=396)
    # How often retention and compression look for something to do.
    maintenance_every: timedelta = timedelta(hours=1)
    quarter: LevelPolicy = LevelPolicy(
        keep=timedelta(days=35),
        compress_after=timedelta(days=4),
        chunk=timedelta(days=1),
    )
    hour: LevelPolicy = LevelPolicy(
        keep=timedelta(days=396),
        compress_after=timedelta(days=8),
        chunk=timedelta(days=7),
    )
    day: LevelPolicy = LevelPolicy(
        keep=None,
        compress_after=timedelta(days=60),
        chunk=timedelta(days=90),
    )

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ValueError("; ".join(problems))

    def level(self, name: str) -> LevelPolicy:
        """The policy of a level by its relation suffix; KeyError for an unknown one."""
        return {"15m": self.quarter, "1h": self.hour, "1d": self.day}[name]

    def keep(self, level: str) -> timedelta | None:
        """How long the rows of `minutes`, `15m`, `1h` or `1d` are kept."""
        return self.keep_minutes if level == "minutes" else self.level(level).keep


def _problems(policies: Policies) -> Iterator[str]:
    if policies.keep_minutes < policies.lateness + timedelta(hours=1):
        yield "minutes must be kept at least an hour longer than shares may be late"
    if policies.keep_minutes < MINUTES_READ:
        yield f"minutes must be kept at least {MINUTES_READ}: windows are rebuilt from them"
    if policies.keep_events < LONGEST_READ:
        yield f"events must be kept at least {LONGEST_READ.days} days: so far back a week reaches"
    for level in LEVELS:
        yield from _level_problems(policies, level)


def _level_problems(policies: Policies, level: LevelSpec) -> Iterator[str]:
    policy, width = policies.level(level.name), timedelta(seconds=level.width_s)
    below = policies.keep(level.below)
    if policy.compress_after < policies.lateness + width:
        yield f"{level.name} would be compressed while late shares still change it"
    if policy.keep is not None:
        if policy.keep <= policy.compress_after:
            yield f"{level.name} would be dropped before it is compressed"
        if policy.keep < LONGEST_READ and level.name != "1d":
            yield f"{level.name} must be kept at least {LONGEST_READ.days} days: windows read it"
        if below is None or policy.keep < below:
            yield f"{level.name} must be kept at least as long as {level.below}"
