"""From the credential of a request to its caller. The first credential present decides."""

from __future__ import annotations

import asyncio
import hmac
from typing import Final
from urllib.parse import urlsplit

from async_lru import alru_cache
from fastapi import Request

from query_api.auth.caller import INTERNAL, Caller
from query_api.auth.kratos import Identity, Kratos
from query_api.auth.users import UNKNOWN, Directory
from query_api.config import AccessConfig
from query_api.database import Database
from query_api.http.errors import ForbiddenError, UnauthorizedError
from query_api.store.people import sign_ins
from schemas.access import WATCHER_TOKEN_PREFIX
from schemas.sealing import digest_of

INTERNAL_HEADER: Final = "x-headframe-api-key"
WATCHER_HEADER: Final = "x-watcher-token"
SESSION_HEADER: Final = "x-session-token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_LENGTH: Final = len(WATCHER_TOKEN_PREFIX) + 64


class Authenticator:
    """Decides who calls. Refuses with 401 what it does not know, with 503 what it cannot check.

    Keys and users are remembered for `cache_s`; watcher tokens are looked up each time.
    """

    def __init__(
        self, config: AccessConfig, *, database: Database, cors_origins: tuple[str, ...] = ()
    ) -> None:
        self._config = config
        self._cors_origins = cors_origins
        self._database = database
        self._kratos = Kratos(config.kratos)
        self._directory = Directory(database)
        remembered = alru_cache(maxsize=config.cache_size, ttl=config.cache_s)
        self._by_key = remembered(self._directory.by_key)
        self._by_identity = alru_cache(maxsize=config.cache_size, ttl=config.cache_s)(
            self._directory.by_identity
        )
        # Errors are not remembered; equal simultaneous questions are asked once.
        self._session = alru_cache(maxsize=config.cache_size, ttl=config.kratos.cache_s)(
            self._welcomed
        )
        # Questions about watcher tokens that are being asked; answers are not remembered.
        self._watchers: dict[bytes, asyncio.Task[Caller]] = {}
        # An empty one is none: it would open everything to an empty header.
        key = config.internal_api_key
        self._configured = digest_of(key) if key else None

    async def close(self) -> None:
        await self._kratos.close()

    def forget_users(self) -> None:
        """Rights were changed through this process: look at them anew."""
        self._by_key.cache_clear()
        self._by_identity.cache_clear()

    def forget_sessions(self) -> None:
        """A session was ended, or an identity changed, through this process."""
        self._session.cache_clear()
        self.forget_users()

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
            return await self._by_session("X-Session-Token", token)
        name = self._config.kratos.cookie_name
        if (cookie := request.cookies.get(name)) is not None:
            self._refuse_other_sites(request)
            return await self._by_session("Cookie", f"{name}={cookie}")
        raise UnauthorizedError("a credential is needed")

    async def _by_session(self, header: str, value: str) -> Caller:
        identity = await self._session(header, value)
        caller: Caller = await self._by_identity(identity)
        return caller

    async def _welcomed(self, header: str, value: str) -> Identity:
        """Whose session it is, known to the database as Kratos knows it now."""
        identity = await self._kratos.whoami(header, value)
        await sign_ins.welcome(self._database, identity)
        return identity

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
        digest = digest_of(token)
        # A link that opens a thousand streams at once asks the database once.
        task = self._watchers.get(digest)
        if task is None:
            task = asyncio.create_task(self._directory.by_watcher_token(digest))
            self._watchers[digest] = task
            task.add_done_callback(lambda _: self._watchers.pop(digest, None))
        return await asyncio.shield(task)

    def _refuse_other_sites(self, request: Request) -> None:
        """A cookie comes along by itself, also from a page of another site: such a page may not
        change anything."""
        origin = request.headers.get("origin")
        if request.method in SAFE_METHODS or origin in self._cors_origins:
            return
        if origin is None:
            # Old browsers send neither; a new one says at least that the page is another site's.
            foreign = request.headers.get("sec-fetch-site") == "cross-site"
        else:
            foreign = _host_of(origin) != request.headers.get("host")
        if foreign:
            raise ForbiddenError("Origin: not allowed to change anything here")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # `http://[::1` is no address
        return None
