"""Ory Kratos: whose session is this? `GET /sessions/whoami`, as Kratos documents it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx2
import structlog
from async_lru import alru_cache

from query_api.config import KratosConfig
from query_api.errors import UnauthorizedError, UnavailableError

log: Final = structlog.get_logger()

NO_SESSION: Final = "the session is not valid"


@dataclass(frozen=True, slots=True)
class Identity:
    """A Kratos identity: the user's id is the identity's. `email`: one that Kratos verified."""

    uid: UUID
    email: str | None


class Kratos:
    """Asks Kratos, and remembers its yes for `cache_s`. Whatever is not a clear yes lets nobody in:
    a clear no is 401, anything else 503."""

    def __init__(self, config: KratosConfig, *, cache_size: int) -> None:
        self._config = config
        self._client = httpx2.AsyncClient(
            base_url=config.url or "http://kratos.invalid",
            timeout=config.timeout_s,
            follow_redirects=False,
        )
        # Errors are not remembered; equal simultaneous questions are asked once.
        self._whoami = alru_cache(maxsize=cache_size, ttl=config.cache_s)(self._ask)

    @property
    def cookie_name(self) -> str:
        return self._config.cookie_name

    async def close(self) -> None:
        await self._client.aclose()

    async def by_cookie(self, value: str) -> Identity:
        return await self._whoami("Cookie", f"{self.cookie_name}={value}")

    async def by_token(self, token: str) -> Identity:
        return await self._whoami("X-Session-Token", token)

    async def _ask(self, header: str, value: str) -> Identity:
        if self._config.url is None:
            raise UnauthorizedError("sessions are not accepted here")
        if not (value.isascii() and value.isprintable()):
            raise UnauthorizedError(NO_SESSION)  # no header can carry it to Kratos
        try:
            answer = await self._client.get("/sessions/whoami", headers={header: value})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.warning("kratos_away", error=type(error).__name__)
            raise UnavailableError("sessions cannot be checked now") from error
        # 403: Kratos wants a second factor before it calls the session valid.
        if answer.status_code in (401, 403):
            raise UnauthorizedError(NO_SESSION)
        if answer.status_code != 200:
            log.warning("kratos_failed", status=answer.status_code)
            raise UnavailableError("sessions cannot be checked now")
        return _identity(answer)


def _identity(answer: httpx2.Response) -> Identity:
    try:
        session: dict[str, Any] = answer.json()
        identity: dict[str, Any] = session["identity"]
        active = session.get("active") is True and identity.get("state", "active") == "active"
        found = Identity(UUID(identity["id"]), _verified_email(identity))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("kratos_unreadable", error=type(error).__name__)
        raise UnavailableError("sessions cannot be checked now") from error
    if not active:
        raise UnauthorizedError(NO_SESSION)
    return found


def _verified_email(identity: dict[str, Any]) -> str | None:
    """Only an address that Kratos has verified proves anything."""
    for address in identity.get("verifiable_addresses") or ():
        if address.get("verified") is True and address.get("via") == "email":
            value: str = address["value"]
            return value.lower()
    return None
