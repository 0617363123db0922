"""The one table of rights: which role on which entity may do what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.access import Role


class Action(StrEnum):
    """What a caller wants to do to a pool, an operator or a miner."""

    READ_TELEMETRY = "read_telemetry"
    """Charts, stats, workers, reports, events."""
    READ_POOL_STATS = "read_pool_stats"
    READ_ENTITY = "read_entity"
    """The object itself: names, owner, how many workers."""
    CHANGE = "change"
    """Titles, workers, boundary workers, webhooks, alerts, watcher links, new miners."""
    MANAGE_ACCESS = "manage_access"
    """Who else has a role."""
    MANAGE_OWNERS = "manage_owners"
    """Who is owner."""


ANY: Final = frozenset(Role)
MANAGERS: Final = frozenset({Role.OWNER, Role.ADMIN})
OWNERS: Final = frozenset({Role.OWNER})
NOBODY: Final[frozenset[Role]] = frozenset()


@dataclass(frozen=True, slots=True)
class Grant:
    """Roles that allow an action, by the entity they are held on. A role on a pool reaches down to
    its operators and miners, one on an operator to its miners, never up."""

    pool: frozenset[Role]
    operator: frozenset[Role]
    miner: frozenset[Role]
    watcher: bool = False


RIGHTS: Final[Mapping[Action, Grant]] = {
    Action.READ_TELEMETRY: Grant(pool=ANY, operator=ANY, miner=ANY, watcher=True),
    Action.READ_POOL_STATS: Grant(
        pool=frozenset({Role.OWNER, Role.ACCOUNTANT, Role.ADMIN}), operator=NOBODY, miner=NOBODY
    ),
    Action.READ_ENTITY: Grant(pool=ANY, operator=ANY, miner=ANY, watcher=True),
    Action.CHANGE: Grant(pool=MANAGERS, operator=MANAGERS, miner=MANAGERS),
    Action.MANAGE_ACCESS: Grant(pool=MANAGERS, operator=MANAGERS, miner=MANAGERS),
    Action.MANAGE_OWNERS: Grant(pool=OWNERS, operator=OWNERS, miner=OWNERS),
}
