"""uvicorn with bounds on what a connection may cost before its request and after its answer.

uvicorn's httptools protocol collects a header of any length for any time, and waits for a reader
that reads nothing. One such header of 250 MB held every other caller up for 100 s.

    connect ──10 s──> head complete ──> body, answer ──> next head ──10 s──> ...
            64 KiB                      written bytes are read within 30 s
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from schemas.runtime import metrics

# nginx takes 32 KiB of header lines; cookies of single sign-on reach 16 KiB.
HEAD_MAX_BYTES: Final = 65_536
# Browsers send 20, proxies add 10. Every look-up passes all of them: the 12,000 shortest that
# 64 KiB hold took 37 ms of everybody's time, a thousand 4 ms.
HEADERS_MAX: Final = 256
# A head is one packet; three retransmissions take 7 s.
HEAD_TIMEOUT_S: Final = 10.0
# The send buffer is 64 KiB, which the slowest mobile line empties in 10 s.
UNREAD_TIMEOUT_S: Final = 30.0
# Connections of one process: 1,000 event streams, proxies with keep-alive, and much room. Each
# costs about 10 KB.
CONNECTIONS_MAX: Final = 10_000

_TOO_LONG: Final = (
    b'{"error":{"code":"invalid_input","message":"the header is longer than 65536 bytes, or has '
    b'more than 256 fields"}}'
)
_TOO_MANY: Final = b'{"error":{"code":"unavailable","message":"too many connections"}}'


class HeadTooLongError(Exception):
    """Ends the parser; the connection has its answer already."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. Owned by the event loop."""

    _head_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None
    _reads_body = False
    # Bytes since the head began, or since the last part of the body: chunk extensions and trailers
    # are headers, too.
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            self._refuse(b"503 Service Unavailable", _TOO_MANY)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if not self._reads_body:
            self._await_head()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_MAX_BYTES and not self.transport.is_closing():
            self._refuse_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reads_body = False

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > HEAD_MAX_BYTES:
            self._refuse_head()
            raise HeadTooLongError

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > HEADERS_MAX:  # trailers among them
            self._refuse_head()
            raise HeadTooLongError

    def on_headers_complete(self) -> None:
        # One read may hold a whole head of 256 KiB.
        if sum(len(name) + len(value) for name, value in self.headers) > HEAD_MAX_BYTES:
            self._refuse_head()
            raise HeadTooLongError
        self._stop_head_timer()
        self._reads_body = True
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._reads_body = False
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_timer = self.loop.call_later(UNREAD_TIMEOUT_S, self._abort)

    def resume_writing(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None
        if self.flow is not None:
            super().resume_writing()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._end_slow_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_slow_head(self) -> None:
        metrics.counter("http_connections_ended_total").labels("slow_head").inc()
        self._abort()

    def _abort(self) -> None:
        # Not close: what is written would wait for its reader for ever.
        self.transport.abort()

    def _refuse_head(self) -> None:
        metrics.counter("http_connections_ended_total").labels("long_head").inc()
        self._refuse(b"431 Request Header Fields Too Large", _TOO_LONG)

    def _refuse(self, status: bytes, body: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s" % (status, len(body), body)
        )
        self.transport.close()


def http_config(app: ASGIApp, *, host: str, port: int, **more: Any) -> uvicorn.Config:
    """The one configuration of every HTTP port: API, gateway, monitoring."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        **more,
    )
