"""Roles on pools, operators and miners, and the names of what carries them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    VIEWER = "viewer"
    ACCOUNTANT = "accountant"
    TREASURER = "treasurer"


class EntityKind(StrEnum):
    POOL = "pool"
    OPERATOR = "operator"
    MINER = "miner"


ROLES_ON: Final = {
    EntityKind.POOL: frozenset({Role.OWNER, Role.ADMIN, Role.VIEWER, Role.ACCOUNTANT}),
    EntityKind.OPERATOR: frozenset(Role),
    EntityKind.MINER: frozenset({Role.OWNER, Role.ADMIN, Role.VIEWER, Role.ACCOUNTANT}),
}
"""Which roles can be held on what."""

WATCHER_TOKEN_PREFIX: Final = "hfwl_"  # noqa: S105 - a prefix
API_KEY_PREFIX: Final = "hfak_"
