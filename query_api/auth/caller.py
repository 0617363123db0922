"""The caller of a request, and the one place that answers "may they?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NoReturn
from uuid import UUID

from query_api.auth.rights import RIGHTS, Action
from query_api.errors import ForbiddenError, NotFoundError
from schemas.access import Role


class CallerKind(StrEnum):
    INTERNAL = "internal"
    USER = "user"
    WATCHER = "watcher"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where something hangs in the tree: inner ids of the pool, operator and miner above it (or
    itself); None where there is none."""

    pool_id: int | None
    operator_id: int | None = None
    miner_id: int | None = None


def scope_of(row: Mapping[str, Any]) -> Scope:
    return Scope(row["pool_id"], row["operator_id"], row["miner_id"])


def worker_scopes(row: Mapping[str, Any]) -> tuple[Scope, ...]:
    """A boundary worker is read from its recipient's and from its donor's side."""
    own = scope_of(row)
    if row["donor_id"] is None:
        return (own,)
    return own, Scope(row["donor_pool_id"], row["donor_operator_id"], row["donor_id"])


NO_RIGHT: Final = "you have no right to this"
NO_ROLES: Final[frozenset[Role]] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    name        what rate limits count by; no secret in it
    roles       of a user: entity id → roles held on it
    miner_id    of a watcher: the one miner it may read
    sees_all    nothing is hidden from the caller, so that what is not there is a plain 404
    """

    kind: CallerKind
    name: str
    user_uid: UUID | None = None
    email: str | None = None
    roles: Mapping[int, frozenset[Role]] = field(default_factory=dict)
    miner_id: int | None = None
    sees_all: bool = False

    def may(self, action: Action, scope: Scope) -> bool:
        if self.kind is CallerKind.INTERNAL:
            return True
        grant = RIGHTS[action]
        if self.kind is CallerKind.WATCHER:
            return grant.watcher and scope.miner_id is not None and scope.miner_id == self.miner_id
        return bool(
            self._held(scope.pool_id) & grant.pool
            or self._held(scope.operator_id) & grant.operator
            or self._held(scope.miner_id) & grant.miner
        )

    def _held(self, entity_id: int | None) -> frozenset[Role]:
        return NO_ROLES if entity_id is None else self.roles.get(entity_id, NO_ROLES)

    def require(self, action: Action, *scopes: Scope) -> None:
        """ForbiddenError unless one of the scopes gives the right."""
        if not any(self.may(action, scope) for scope in scopes):
            raise ForbiddenError(NO_RIGHT)

    def refuse_missing(self, what: str) -> NoReturn:
        """What does not exist is 404 for those who would see it, 403 for the others: ids cannot be
        probed."""
        if self.sees_all:
            raise NotFoundError(f"no such {what}")
        raise ForbiddenError(NO_RIGHT)


INTERNAL: Final = Caller(CallerKind.INTERNAL, "internal", sees_all=True)
