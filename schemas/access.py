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


class UserStatus(StrEnum):
    ACTIVE = "active"
    PENDING = "pending"
    """Invited, or given a role or a key beforehand; has not come yet."""
    INACTIVE = "inactive"
    """Has switched itself off, and opens nothing until it switches itself on again."""


LANGUAGES: Final = ("en", "ru")
"""Of messages. English unless somebody chose."""

WATCHER_TOKEN_PREFIX: Final = "hfwl_"  # noqa: S105 - a prefix
API_KEY_PREFIX: Final = "hfak_"
