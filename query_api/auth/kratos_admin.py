"""Ory Kratos' admin API: identities, their sessions and second factors.

Every call may be repeated: what is gone already counts as done. What Kratos does not answer, or not
as documented, is `UnavailableError`, and the caller changes nothing of its own before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import httpx2
import structlog

from query_api.config import KratosConfig
from query_api.http.errors import UnavailableError

log: Final = structlog.get_logger()

AWAY: Final = "accounts cannot be reached now"
# A person has a handful of sessions; beyond this the oldest are not listed.
MAX_SESSIONS: Final = 1_000


class SecondFactor(StrEnum):
    TOTP = "totp"
    LOOKUP_SECRET = "lookup_secret"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """Which second factors are set up."""

    totp: bool
    lookup_secret: bool


class KratosAdmin:
    """Without an address there are no identities: nobody has sessions or second factors."""

    def __init__(self, config: KratosConfig) -> None:
        self._there = config.admin_url is not None
        self._client = httpx2.AsyncClient(
            base_url=f"{(config.admin_url or 'http://kratos.invalid').rstrip('/')}/admin",
            timeout=config.timeout_s,
            follow_redirects=False,
            trust_env=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def second_factors(self, uid: UUID) -> SecondFactors:
        factors = [("include_credential", factor.value) for factor in SecondFactor]
        identity = await self._object("GET", f"/identities/{uid}", params=factors)
        found = identity.get("credentials") or {}
        return SecondFactors(*(_is_set_up(found, factor) for factor in SecondFactor))

    async def set_language(self, uid: UUID, language: str) -> None:
        """In the identity's traits. An identity that is not there has no language."""
        patch = [{"op": "add", "path": "/traits/language", "value": language}]
        await self._call("PATCH", f"/identities/{uid}", json=patch)

    async def sessions(self, uid: UUID, *, active: bool) -> Sequence[Mapping[str, Any]]:
        """All sessions of an identity, the newest first."""
        params = {"active": str(active).lower(), "page_size": str(MAX_SESSIONS)}
        found = await self._call("GET", f"/identities/{uid}/sessions", params=params)
        rows: list[Mapping[str, Any]] = [] if found is None else _json(found, list)
        return sorted(rows, key=lambda row: str(row.get("issued_at")), reverse=True)

    async def owner_of_session(self, session_id: UUID) -> UUID | None:
        session = await self._object(
            "GET", f"/sessions/{session_id}", params={"expand": "identity"}
        )
        identity = session.get("identity")
        if not session:
            return None
        try:
            return UUID(identity["id"])  # type: ignore[index]
        except (TypeError, KeyError, ValueError) as error:
            raise UnavailableError(AWAY) from error

    async def end_session(self, session_id: UUID) -> None:
        await self._call("DELETE", f"/sessions/{session_id}")

    async def remove_second_factor(self, uid: UUID, factor: SecondFactor) -> None:
        await self._call("DELETE", f"/identities/{uid}/credentials/{factor}")

    async def delete_identity(self, uid: UUID) -> None:
        # Asked first: a Kratos that hangs would carry out a deletion that lies in its socket, long
        # after the caller was answered 503.
        if await self._call("GET", f"/identities/{uid}") is not None:
            await self._call("DELETE", f"/identities/{uid}")

    async def _object(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Empty for what is not there."""
        answer = await self._call(method, path, **options)
        found: dict[str, Any] = {} if answer is None else _json(answer, dict)
        return found

    async def _call(self, method: str, path: str, **options: Any) -> httpx2.Response | None:
        """None for what is not there."""
        if not self._there:
            return None
        try:
            answer = await self._client.request(method, path, **options)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.warning("kratos_admin_away", error=type(error).__name__)
            raise UnavailableError(AWAY) from error
        if answer.status_code == 404:
            return None
        if not 200 <= answer.status_code < 300:
            log.warning("kratos_admin_failed", status=answer.status_code, method=method)
            raise UnavailableError(AWAY)
        return answer


def _json(answer: httpx2.Response, kind: type[Any]) -> Any:
    try:
        value = answer.json()
    except ValueError as error:
        raise UnavailableError(AWAY) from error
    if not isinstance(value, kind):
        log.warning("kratos_admin_unreadable", kind=type(value).__name__)
        raise UnavailableError(AWAY)
    return value


def _is_set_up(credentials: Mapping[str, Any], factor: SecondFactor) -> bool:
    return factor in credentials
