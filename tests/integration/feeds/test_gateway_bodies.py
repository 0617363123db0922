"""Bodies as they come to the gateway: encoded, broken, too large, too slow."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import zstandard

from ingest.gateway.app import create_gateway
from ingest.gateway.config import GatewayConfig
from schemas import topics
from schemas.batch import batch_of
from schemas.codec import encode_arrow, encode_json
from tests.integration.feeds.gateway_client import (
    JSON,
    FakeSink,
    client_of,
    envelope,
    post,
)
from tests.unit.ingest.bad_messages import GOOD, bad_messages


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        (
            "gzip",
            lambda body: (
                b"".join(gzip.compress(bytes([one])) for one in body[:999])
                + gzip.compress(body[999:])
            ),
        ),
        (
            "zstd",
            lambda body: (
                b"".join(zstandard.compress(bytes([one])) for one in body[:999])
                + zstandard.compress(body[999:])
            ),
        ),
        ("zstd", zstandard.compress),
        ("zstd", lambda body: zstandard.compress(body[:9]) + zstandard.compress(body[9:])),
        ("identity", bytes),
    ],
)
async def test_encoded_bodies(
    client: httpx2.AsyncClient, sink: FakeSink, encoding: str, pack: Any
) -> None:
    shares = [GOOD] * 3_000
    response = await post(client, pack(encode_json(shares)), Content_Encoding=encoding)
    assert (response.status_code, response.json()["accepted"]) == (202, 3_000)
    assert sink.shares() == shares


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(encode_json([GOOD]))[:-9], "gzip"),
        (b"no gzip", "gzip"),
        (zstandard.compress(encode_json([GOOD]))[:-1], "zstd"),
        (b"no zstd", "zstd"),
        # Each of them would be cheap, and millions of them are not.
        (gzip.compress(b"") * 2_000, "gzip"),
        (zstandard.compress(b"") * 2_000, "zstd"),
        (encode_json([GOOD]), "br"),
        (encode_json([GOOD]), "gzip, gzip"),
    ],
)
async def test_broken_encodings_are_400(
    client: httpx2.AsyncClient, sink: FakeSink, body: bytes, encoding: str
) -> None:
    response = await post(client, body, Content_Encoding=encoding)
    assert envelope(response) == (400, "invalid_input")
    assert sink.messages == []


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress, bytes])
async def test_more_than_the_limit_is_413(client: httpx2.AsyncClient, pack: Any) -> None:
    encoding = {gzip.compress: "gzip", zstandard.compress: "zstd"}.get(pack, "identity")
    body = pack(b" " * (8 * 1024 * 1024) + encode_json([GOOD]))
    assert envelope(await post(client, body, Content_Encoding=encoding)) == (413, "too_large")


async def test_zstd_bomb_of_many_gigabytes_is_413(client: httpx2.AsyncClient) -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    zeros = bytes(1_048_576)
    bomb = b"".join([*(packer.compress(zeros) for _ in range(512)), packer.flush()])
    assert len(bomb) < 100_000
    assert envelope(await post(client, bomb, Content_Encoding="zstd")) == (413, "too_large")


async def test_chunked_body_over_the_limit_is_413(sink: FakeSink) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    async with client_of(sink, max_body_bytes=1_000) as client:
        response = await client.post("/shares", content=chunks(), headers=JSON)
    assert envelope(response) == (413, "too_large")


async def test_slow_body_is_400(sink: FakeSink) -> None:
    app = create_gateway(GatewayConfig(read_timeout_s=0.05), sink, lambda _: True)
    messages: list[Any] = []
    received = [{"type": "http.request", "body": b"[", "more_body": True}]

    async def receive() -> Any:
        return received.pop() if received else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/shares", "headers": [], "query_string": b"",
        "http_version": "1.1", "scheme": "http", "server": ("gateway", 80), "root_path": "",
    }  # fmt: skip
    await app(scope, receive, send)
    assert messages[0]["status"] == 400


@pytest.mark.parametrize(
    "bad", [each for each in bad_messages() if not each.shares], ids=lambda bad: bad.name
)
async def test_undecodable_bodies_are_refused_whole(
    client: httpx2.AsyncClient, sink: FakeSink, bad: Any
) -> None:
    kind = {} if bad.content_type is None else {"Content-Type": bad.content_type.encode()}
    body = bad.value or b""
    response = await client.post("/shares", content=body, headers=kind)
    expected = (413, "too_large") if bad.reason == "oversized" else (400, "invalid_input")
    assert envelope(response) == expected
    assert sink.messages == []


async def test_small_compressed_bodies_hold_no_more_than_they_are(sink: FakeSink) -> None:
    body = gzip.compress(encode_json([GOOD]))
    async with client_of(sink, max_in_flight_bytes=8 * 1024 * 1024 + 1_000) as client:
        sink.go_on.clear()
        first = asyncio.create_task(post(client, body, Content_Encoding="gzip"))
        await sink.waiting.wait()
        second = asyncio.create_task(post(client, body, Content_Encoding="gzip"))
        await asyncio.wait([second], timeout=0.1)
        sink.go_on.set()
        assert [(await each).status_code for each in (first, second)] == [202, 202]


async def test_large_body_is_cut_into_messages(sink: FakeSink) -> None:
    batch = batch_of([GOOD] * 25_000)
    async with client_of(sink) as client:
        response = await post(client, encode_arrow(batch), Content_Type=topics.ARROW_STREAM)
    assert response.json()["accepted"] == 25_000
    assert [len(message.batch) for message in sink.messages] == [10_000, 10_000, 5_000]
    assert len({message.partition for message in sink.messages}) == 1
