"""An answer in fragments: made once for all callers, put together for what each may see."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from query_api.auth.caller import Caller, Scope
from query_api.auth.rights import Action
from query_api.telemetry.version import FiguresVersion


@dataclass(frozen=True, slots=True)
class Fragment:
    """What stands under one id, and from where it may be seen."""

    scopes: tuple[Scope, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Fragments:
    """An answer as of `version`.

    single       the id stands in the path: its fragment is the answer, without a key
    head, tail   bytes around the fragments
    missing      stands for an id that cannot be served; None leaves such an id out
    """

    version: FiguresVersion
    uids: tuple[UUID, ...]
    by_uid: Mapping[UUID, Fragment]
    single: bool = False
    head: bytes = b""
    tail: bytes = b""
    missing: bytes | None = None

    def seen_from(self, scopes: Mapping[UUID, tuple[Scope, ...]]) -> Fragments:
        """The same figures with other scopes; what has none any more is left out."""
        fragments = {
            uid: Fragment(scopes[uid], fragment.body)
            for uid, fragment in self.by_uid.items()
            if uid in scopes
        }
        return replace(self, by_uid=fragments)

    def visible(self, caller: Caller, action: Action) -> frozenset[UUID]:
        return frozenset(
            uid
            for uid, fragment in self.by_uid.items()
            if any(caller.may(action, scope) for scope in fragment.scopes)
        )

    def body_for(self, visible: frozenset[UUID]) -> bytes:
        if self.single:
            (fragment,) = self.by_uid.values()
            return b"%s%s%s" % (self.head, fragment.body, self.tail)
        return b"%s{%s}%s" % (self.head, b",".join(self._entries(visible)), self.tail)

    def _entries(self, visible: frozenset[UUID]) -> list[bytes]:
        """`"<id>": fragment`, ids in the order they were asked for."""
        entries: list[bytes] = []
        for uid in self.uids:
            body = self.by_uid[uid].body if uid in visible else self.missing
            if body is not None:
                entries.append(b'"%s":%s' % (str(uid).encode(), body))
        return entries


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes for one set of visible ids."""

    data: bytes
    etag: str

    @classmethod
    def of(cls, data: bytes) -> Body:
        # Weak: the same figures compressed are other bytes.
        return cls(data, f'W/"{hashlib.blake2b(data, digest_size=12).hexdigest()}"')
