"""What a connection may cost before its request and after its answer, on a real port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn

from deploy.process import bounded_http
from deploy.process.bounded_http import http_config
from deploy.process.loopback_only import LoopbackOnly

pytestmark = pytest.mark.timeout(60)
ENDLESS = 8 * 1024 * 1024


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    size = int(scope["path"][1:] or 2)
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"x" * size})


@contextlib.asynccontextmanager
async def serving(application=app) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = http_config(application, host="127.0.0.1", port=0, lifespan="off")
        server = uvicorn.Server(config)
        serve = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serve


async def sent(port: int, *parts: bytes) -> bytes:
    """All that comes back until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            answer += data
    writer.close()
    return answer


CLOSE = b"host: localhost\r\nconnection: close\r\n\r\n"
ENDLESS_HEADS = {
    "header": [b"GET / HTTP/1.1\r\na: ", *[b"a" * 65_536] * (ENDLESS // 65_536)],
    "header name": [b"GET / HTTP/1.1\r\n", *[b"a" * 65_536] * (ENDLESS // 65_536)],
    "many headers": [b"GET / HTTP/1.1\r\n", *[b"a: b\r\n" * 10_000] * 20],
    "target": [b"GET /", *[b"a" * 65_536] * (ENDLESS // 65_536)],
    "blank lines": [b"\r\n" * 32_768] * 8,
    "trailers": [
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: ",
        *[b"a" * 65_536] * (ENDLESS // 65_536),
    ],
    "chunk extension": [
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1;",
        *[b"a" * 65_536] * (ENDLESS // 65_536),
    ],
}


@pytest.mark.parametrize("parts", ENDLESS_HEADS.values(), ids=ENDLESS_HEADS)
async def test_a_head_without_end_is_refused(parts):
    async with serving() as port:
        answer = await sent(port, *parts)
        # Bytes that are still under way reset the connection, and may take the answer with them.
        assert answer == b"" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))
        assert b" 200 " in await sent(port, b"GET / HTTP/1.1\r\n" + CLOSE)


@pytest.mark.parametrize(
    "before",
    [
        b"GET / HTTP/1.1\r\nhost: localhost\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n",
    ],
    ids=["headers", "trailers"],
)
async def test_short_fields_without_number_are_refused(before):
    """In one write, within the bytes of a head: whoever looks a header up passes all of them."""
    few, many = (before + b"a:\r\n" * count for count in (200, 300))
    async with serving() as port:
        assert (await sent(port, many + b"\r\n")).startswith(b"HTTP/1.1 431 ")
        assert b"HTTP/1.1 200 " in await sent(port, few + b"connection: close\r\n\r\n")


@pytest.mark.parametrize("begin", [b"", b"GET", b"GET / HTTP/1.1\r\na: b\r\n", b"\r\n"])
async def test_a_head_that_does_not_end_in_time_ends_the_connection(begin, monkeypatch):
    monkeypatch.setattr(bounded_http, "HEAD_TIMEOUT_S", 0.2)
    async with serving() as port:
        assert await sent(port, begin) == b""


@pytest.mark.slow
async def test_the_second_request_of_a_connection_has_its_time_too(monkeypatch):
    monkeypatch.setattr(bounded_http, "HEAD_TIMEOUT_S", 0.2)
    async with serving() as port:
        answer = await sent(port, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", b"GET / HT")
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_large_body_and_a_large_head_within_the_bounds_pass():
    body = b"x" * 1_000_000
    head = b"POST / HTTP/1.1\r\ncookie: %s\r\ncontent-length: %d\r\n" % (b"c" * 60_000, len(body))
    chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n"
    chunks = b"".join(b"400\r\n%s\r\n" % (b"y" * 1_024) for _ in range(1_000)) + b"0\r\n\r\n"
    async with serving() as port:
        assert (await sent(port, head + CLOSE + body)).startswith(b"HTTP/1.1 200 ")
        assert (await sent(port, chunked + CLOSE + chunks)).startswith(b"HTTP/1.1 200 ")


async def test_who_reads_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(bounded_http, "UNREAD_TIMEOUT_S", 0.2)
    async with serving() as port:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET /50000000 HTTP/1.1\r\n" + CLOSE)
            await asyncio.sleep(1.0)
            client.setblocking(True)
            received = 0
            with contextlib.suppress(ConnectionError):
                while data := await asyncio.to_thread(client.recv, 1 << 20):
                    received += len(data)
    assert received < 50_000_000


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"host: localhost:8080\r\n", b"200"),
        (b"host: 127.0.0.1\r\n", b"200"),
        (b"host: [::1]:8080\r\n", b"200"),
        (b"host: localhost\r\norigin: http://localhost:8080\r\n", b"200"),
        (b"host: pool.example\r\n", b"403"),
        (b"host: localhost.evil.example\r\n", b"403"),
        (b"host: localhost\r\nx-forwarded-for: 203.0.113.7\r\n", b"403"),
        (b"host: localhost\r\nforwarded: for=203.0.113.7\r\n", b"403"),
        (b"host: localhost\r\norigin: https://evil.example\r\n", b"403"),
        (b"host: localhost\r\norigin: http://[::1\r\n", b"403"),
        (b"host: localhost\r\norigin: null\r\n", b"403"),
        (b"host: localhost\r\nsec-fetch-site: cross-site\r\n", b"403"),
    ],
)
async def test_without_a_key_only_this_machine_itself_is_answered(headers, status):
    async with serving(LoopbackOnly(app)) as port:
        answer = await sent(port, b"GET / HTTP/1.1\r\nconnection: close\r\n" + headers + b"\r\n")
    assert answer.split(b" ")[1] == status
