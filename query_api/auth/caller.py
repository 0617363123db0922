"""The caller of a request, and the one place that answers "may they?"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NoReturn
from uuid import UUID

from query_api.auth.rights import RIGHTS, Action, Grant, opened_by
from query_api.http.errors import ForbiddenError, NotFoundError
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
    email       the verified address of a user's session, or what the database knows of a key's
    roles       of a user: entity id → roles held on it
    limit       of a key: entity id → the role that it is limited to there; None: the user's own
    session     a person who has signed in, not a program
    active      False for a user who has switched itself off
    miner_id    of a watcher: the one miner it may read
    extras      of a watcher: the extra permissions of its link
    sees_all    nothing is hidden from the caller, so that what is not there is a plain 404
    """

    kind: CallerKind
    name: str
    user_uid: UUID | None = None
    email: str | None = None
    roles: Mapping[int, frozenset[Role]] = field(default_factory=dict)
    limit: Mapping[int, frozenset[Role]] | None = None
    session: bool = False
    active: bool = True
    miner_id: int | None = None
    extras: frozenset[str] = frozenset()
    sees_all: bool = False

    @property
    def shares(self) -> tuple[str, ...]:
        """What few places at a time are counted by; empty for the pool's own services, which speak
        for many."""
        return () if self.kind is CallerKind.INTERNAL else (self.name,)

    def may(self, action: Action, scope: Scope) -> bool:
        if self.kind is CallerKind.INTERNAL:
            return True
        grant = RIGHTS[action]
        if self.kind is CallerKind.WATCHER:
            own = scope.miner_id is not None and scope.miner_id == self.miner_id
            return own and grant.watcher and grant.extra_permission in (None, *self.extras)
        if not self.active:
            return False
        return _reaches(self.roles, scope, grant) and (
            self.limit is None or _reaches(self.limit, scope, grant)
        )

    def require(self, action: Action, *scopes: Scope) -> None:
        """ForbiddenError unless one of the scopes gives the right."""
        if not any(self.may(action, scope) for scope in scopes):
            raise ForbiddenError(NO_RIGHT)

    def shown_roles(self, entity_id: int, scope: Scope) -> frozenset[Role]:
        """What a limited key counts for on an entity of its own: the narrower of its own role, and
        of what its user holds there or above."""
        assert self.limit is not None
        held = frozenset().union(*(self.roles.get(each, NO_ROLES) for each in ids_of(scope)))
        own = self.limit[entity_id]
        return own if opened_by(own) < opened_by(held) else held

    def refuse_missing(self, what: str) -> NoReturn:
        """What does not exist is 404 for those who would see it, 403 for the others: ids cannot be
        probed."""
        if self.sees_all:
            raise NotFoundError(f"no such {what}")
        raise ForbiddenError(NO_RIGHT)


def ids_of(scope: Scope) -> tuple[int, ...]:
    """An entity's and those above it."""
    ids = (scope.pool_id, scope.operator_id, scope.miner_id)
    return tuple(each for each in ids if each is not None)


def _reaches(roles: Mapping[int, frozenset[Role]], scope: Scope, grant: Grant) -> bool:
    """Whether one of the roles, on the entity or above it, gives what is granted."""

    def held(entity_id: int | None) -> frozenset[Role]:
        return NO_ROLES if entity_id is None else roles.get(entity_id, NO_ROLES)

    return bool(
        held(scope.pool_id) & grant.pool
        or held(scope.operator_id) & grant.operator
        or held(scope.miner_id) & grant.miner
    )


INTERNAL: Final = Caller(CallerKind.INTERNAL, "internal", sees_all=True)
