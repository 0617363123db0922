"""Answers `GET /sessions/whoami` as Ory Kratos documents it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COOKIE = "ory_session_relaxedwescoffeywmz1r7og"


@dataclass
class Kratos:
    """`sessions`: token or cookie value → identity id. `trouble`: a status or body sent instead."""

    sessions: dict[str, str] = field(default_factory=dict)
    emails: dict[str, tuple[str, bool]] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    trouble: tuple[int, bytes] | None = None
    hold: threading.Event | None = None
    asked: int = 0
    address: str = ""

    def answer(self, headers: Any) -> tuple[int, bytes]:
        self.asked += 1
        if self.hold is not None:
            self.hold.wait(10)
        if self.trouble is not None:
            return self.trouble
        token = headers.get("X-Session-Token") or _cookie(headers.get("Cookie", ""))
        identity = self.sessions.get(token or "")
        if identity is None:
            error = {"code": 401, "status": "Unauthorized", "reason": "No valid session found."}
            return 401, json.dumps({"error": error}).encode()
        return 200, json.dumps(self._session(token, identity)).encode()

    def _session(self, token: str | None, identity: str) -> dict[str, Any]:
        email, verified = self.emails.get(identity, ("someone@example.com", False))
        return {
            "id": "a0f1b2c3-0000-4000-8000-000000000000",
            "active": token not in self.inactive,
            "expires_at": "2099-01-01T00:00:00Z",
            "identity": {
                "id": identity,
                "state": "active",
                "traits": {"email": email},
                "verifiable_addresses": [{"value": email, "verified": verified, "via": "email"}],
            },
        }


def _cookie(header: str) -> str | None:
    for part in header.split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


@contextmanager
def kratos() -> Iterator[Kratos]:
    state = Kratos()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/sessions/whoami"
            status, body = state.answer(self.headers)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
