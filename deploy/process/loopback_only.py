"""While there is no key, only this machine itself is let in: not through a proxy, not through a
browser's page of another site, not by a name that somebody pointed at 127.0.0.1."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

_FORWARDED: Final = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
_BODY: Final = (
    b'{"error":{"code":"forbidden","message":"without an internal API key only requests from this '
    b'machine to a loopback address are answered: set HASHGAUGE_INTERNAL_API_KEY"}}'
)


class LoopbackOnly:
    """ASGI: 403 for what came from elsewhere, or may have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_local(scope):
            await self._app(scope, receive, send)
            return
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(_BODY)).encode()),
        ]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": _BODY})


def _is_local(scope: Scope) -> bool:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if any(name in headers for name in _FORWARDED):
        return False
    origin = headers.get(b"origin")
    if origin is not None and not _is_loopback(origin.decode("latin-1")):
        return False
    if headers.get(b"sec-fetch-site") == b"cross-site":
        return False
    return _is_loopback("//" + headers.get(b"host", b"").decode("latin-1"))


def _is_loopback(address: str) -> bool:
    """Of `http://localhost:8080` or `//127.0.0.1`."""
    try:
        host = urlsplit(address).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
