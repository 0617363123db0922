"""Ory Kratos: whose session is this? `GET /sessions/whoami`, as Kratos documents it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx2
import orjson
import structlog

from query_api.config import KratosConfig
from query_api.http.errors import UnauthorizedError, UnavailableError
from schemas.access import LANGUAGES
from schemas.addresses.email import normalized_or_none

log: Final = structlog.get_logger()

NO_SESSION: Final = "the session is not valid"
CANNOT_CHECK: Final = "sessions cannot be checked now"
# A session with its identity has some 2 KB.
MAX_ANSWER_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody signed in from."""

    ip_address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Identity:
    """A Kratos identity: the user's id is the identity's.

    email       one that Kratos has verified
    language    None: the person has chosen none
    device      None: Kratos has noted none
    """

    uid: UUID
    session_id: UUID
    email: str | None
    language: str | None
    device: Device | None


class Kratos:
    """Asks Kratos, and remembers nothing. Whatever is not a clear yes lets nobody in: a clear no is
    401, anything else 503."""

    def __init__(self, config: KratosConfig) -> None:
        self._config = config
        self._client = httpx2.AsyncClient(
            base_url=config.url or "http://kratos.invalid",
            timeout=config.timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def whoami(self, header: str, value: str) -> Identity:
        """`header` is `Cookie` or `X-Session-Token`."""
        if self._config.url is None:
            raise UnauthorizedError("sessions are not accepted here")
        if not (value.isascii() and value.isprintable()):
            raise UnauthorizedError(NO_SESSION)  # no header can carry it to Kratos
        try:
            status, body = await self._ask({header: value})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.warning("kratos_away", error=type(error).__name__)
            raise UnavailableError(CANNOT_CHECK) from error
        # 403: Kratos wants a second factor before it calls the session valid.
        if status in (401, 403):
            raise UnauthorizedError(NO_SESSION)
        if status != 200:
            log.warning("kratos_failed", status=status)
            raise UnavailableError(CANNOT_CHECK)
        return _identity(body)

    async def _ask(self, headers: dict[str, str]) -> tuple[int, bytes]:
        body = bytearray()
        async with self._client.stream("GET", "/sessions/whoami", headers=headers) as answer:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    log.warning("kratos_unreadable", error="too long")
                    raise UnavailableError(CANNOT_CHECK)
            return answer.status_code, bytes(body)


def _identity(body: bytes) -> Identity:
    try:
        session: dict[str, Any] = orjson.loads(body)
        identity: dict[str, Any] = session["identity"]
        active = session.get("active") is True and identity.get("state", "active") == "active"
        found = Identity(
            UUID(identity["id"]),
            UUID(session["id"]),
            _verified_email(identity),
            _language(identity),
            _device(session),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("kratos_unreadable", error=type(error).__name__)
        raise UnavailableError(CANNOT_CHECK) from error
    if not active:
        raise UnauthorizedError(NO_SESSION)
    return found


def _verified_email(identity: dict[str, Any]) -> str | None:
    """Only an address that Kratos has verified proves anything, and as the person gave it: Kratos
    lower-cases letters outside of ASCII into others' addresses."""
    given = normalized_or_none((identity.get("traits") or {}).get("email"))
    for address in identity.get("verifiable_addresses") or ():
        verified = address.get("verified") is True and address.get("via") == "email"
        if verified and given is not None and normalized_or_none(address["value"]) == given:
            return given
    return None


def _language(identity: dict[str, Any]) -> str | None:
    language = (identity.get("traits") or {}).get("language")
    return language if language in LANGUAGES else None


def _device(session: dict[str, Any]) -> Device | None:
    for device in session.get("devices") or ():
        return Device(
            address_without_port(device.get("ip_address")), device.get("user_agent") or ""
        )
    return None


def address_without_port(text: str | None) -> str:
    """Kratos notes `127.0.0.1:50854` and `[::1]:50854`."""
    if not text:
        return ""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
