"""From the credential of a request to its caller. The first credential present decides."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from async_lru import alru_cache
from fastapi import Request

from query_api.auth.caller import INTERNAL, Caller
from query_api.auth.kratos import Kratos
from query_api.auth.users import UNKNOWN, Directory
from query_api.config import AccessConfig
from query_api.database import Database
from query_api.errors import ForbiddenError, UnauthorizedError
from schemas.access import WATCHER_TOKEN_PREFIX

INTERNAL_HEADER: Final = "x-headframe-api-key"
WATCHER_HEADER: Final = "x-watcher-token"
SESSION_HEADER: Final = "x-session-token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_LENGTH: Final = len(WATCHER_TOKEN_PREFIX) + 64


def digest_of(secret: str) -> bytes:
    """What is stored of a key. A plain hash does: keys are 32 random bytes."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


class Authenticator:
    """Decides who calls. Refuses with 401 what it does not know, with 503 what it cannot check.

    Keys and users are remembered for `cache_s`; watcher tokens are looked up each time.
    """

    def __init__(
        self, config: AccessConfig, *, database: Database, cors_origins: tuple[str, ...] = ()
    ) -> None:
        self._config = config
        self._cors_origins = cors_origins
        self._kratos = Kratos(config.kratos, cache_size=config.cache_size)
        self._directory = Directory(database)
        remembered = alru_cache(maxsize=config.cache_size, ttl=config.cache_s)
        self._by_key = remembered(self._directory.by_key)
        self._by_uid = alru_cache(maxsize=config.cache_size, ttl=config.cache_s)(self._user)
        # An empty one is none: it would open everything to an empty header.
        key = config.internal_api_key
        self._configured = digest_of(key) if key else None

    async def close(self) -> None:
        await self._kratos.close()

    def forget_users(self) -> None:
        """Rights were changed through this process: look at them anew."""
        self._by_key.cache_clear()
        self._by_uid.cache_clear()

    async def caller_of(self, request: Request) -> Caller:
        if not self._config.required:
            return INTERNAL
        headers = request.headers
        if (key := headers.get(INTERNAL_HEADER)) is not None:
            return await self._internal(key)
        if (authorization := headers.get("authorization")) is not None:
            return await self._bearer(authorization)
        if (token := headers.get(WATCHER_HEADER)) is not None:
            return await self._watcher(token)
        if (token := headers.get(SESSION_HEADER)) is not None:
            identity = await self._kratos.by_token(token)
            return await self._by_uid(identity.uid, identity.email)
        if (cookie := request.cookies.get(self._kratos.cookie_name)) is not None:
            self._refuse_other_sites(request)
            identity = await self._kratos.by_cookie(cookie)
            return await self._by_uid(identity.uid, identity.email)
        raise UnauthorizedError("a credential is needed")

    async def _user(self, uid: UUID, email: str | None) -> Caller:
        return await self._directory.by_uid(uid, email=email)

    async def _internal(self, key: str) -> Caller:
        digest = digest_of(key)
        if self._configured and hmac.compare_digest(digest, self._configured):
            return INTERNAL
        caller: Caller = await self._by_key(digest)
        if caller.user_uid is not None:
            raise UnauthorizedError(UNKNOWN)  # a user's key, in the wrong header
        return caller

    async def _bearer(self, authorization: str) -> Caller:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise UnauthorizedError("Authorization: `Bearer` and a key are expected")
        caller: Caller = await self._by_key(digest_of(key.strip()))
        if caller.user_uid is None:
            raise UnauthorizedError(UNKNOWN)  # an internal key, in the wrong header
        return caller

    async def _watcher(self, token: str) -> Caller:
        if len(token) != TOKEN_LENGTH or not token.startswith(WATCHER_TOKEN_PREFIX):
            raise UnauthorizedError(UNKNOWN)
        return await self._directory.by_watcher_token(token)

    def _refuse_other_sites(self, request: Request) -> None:
        """A cookie comes along by itself, also from a page of another site: such a page may not
        change anything."""
        origin = request.headers.get("origin")
        if request.method in SAFE_METHODS or origin is None or origin in self._cors_origins:
            return
        if urlsplit(origin).netloc != request.headers.get("host"):
            raise ForbiddenError("Origin: not allowed to change anything here")
