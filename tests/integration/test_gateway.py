"""The gateway over HTTP, against a sink that keeps, drops or holds messages."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import zstandard

from ingest.decode import DecodeConfig
from ingest.errors import RetryableError
from ingest.gateway import create_gateway
from ingest.gateway_config import GatewayConfig
from ingest.gateway_keys import authenticate_by_hash, key_hash
from ingest.sink import ShareMessage
from schemas import topics
from schemas.batch import batch_of, shares_of
from schemas.clock import ManualClock
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from tests.unit.bad_messages import ARROW as ARROW_OF_TWO
from tests.unit.bad_messages import GOOD, NOW_MS, bad_messages

KEY = "a-long-secret"
JSON = {"Content-Type": topics.JSON}
BAD = Share(NOW_MS, "harbor", "broken", -1.0, ShareResult.ACCEPTED, "eu-1")


class FakeSink:
    """Keeps what it is sent; fails or waits when told to."""

    def __init__(self) -> None:
        self.messages: list[ShareMessage] = []
        self.failures_left = 0
        self.partition_count = 4
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.waiting = asyncio.Event()

    async def partitions(self) -> int:
        if self.partition_count == 0:
            raise RetryableError("no broker")
        return self.partition_count

    async def send(self, message: ShareMessage) -> None:
        self.waiting.set()
        await self.go_on.wait()
        if self.failures_left:
            self.failures_left -= 1
            raise RetryableError("not acknowledged")
        self.messages.append(message)

    def shares(self) -> list[Share]:
        return [share for message in self.messages for share in shares_of(message.batch)]


def client_of(sink: FakeSink, **config: Any) -> httpx2.AsyncClient:
    app = create_gateway(
        GatewayConfig(**config), sink, authenticate_by_hash([key_hash(KEY)]), ManualClock(NOW_MS)
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"X-Headframe-API-Key": KEY}
    return httpx2.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
async def client(sink: FakeSink) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(sink, produce_timeout_s=0.2) as client:
        yield client


async def post(client: httpx2.AsyncClient, body: bytes, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/shares", content=body, headers={**JSON, **named})


def envelope(response: httpx2.Response) -> tuple[int, str]:
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    return response.status_code, error["code"]


async def test_shares_are_accepted_and_bad_ones_named(
    client: httpx2.AsyncClient, sink: FakeSink
) -> None:
    late = Share(1, "harbor", "late", 1.0, ShareResult.ACCEPTED)
    response = await post(client, encode_json([BAD, GOOD, late]))
    assert response.status_code == 202
    assert response.json() == {
        "accepted": 1,
        "rejected": [{"index": 0, "reason": "bad_difficulty"}, {"index": 2, "reason": "too_late"}],
    }
    assert sink.shares() == [GOOD]
    [message] = sink.messages
    assert (message.timestamp_ms, message.producer_id) == (NOW_MS, None)


async def test_arrow_is_taken(client: httpx2.AsyncClient, sink: FakeSink) -> None:
    response = await post(client, ARROW_OF_TWO, Content_Type=topics.ARROW_STREAM)
    assert response.json() == {"accepted": 2, "rejected": []}
    assert sink.shares() == [GOOD, GOOD]


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


@pytest.mark.parametrize("key", [None, "", "wrong", KEY + "x", KEY[:-1]])
async def test_without_the_key_nothing_is_read(
    client: httpx2.AsyncClient, sink: FakeSink, key: str | None
) -> None:
    del client.headers["X-Headframe-API-Key"]
    named = {} if key is None else {"X_Headframe_API_Key": key}
    assert envelope(await post(client, encode_json([GOOD]), **named)) == (401, "unauthorized")
    assert sink.messages == []


async def test_same_idempotency_key_makes_the_same_messages(sink: FakeSink) -> None:
    """Also on another gateway, and where a share has become too late since."""
    body = encode_json([GOOD] * 5 + [BAD] + [GOOD] * 4)
    for _ in range(2):
        async with client_of(sink, shares_per_message=4) as client:
            assert (await post(client, body, Idempotency_Key="k1")).json()["accepted"] == 9
    first, second = sink.messages[:3], sink.messages[3:]
    identity = [(m.producer_id, m.sequence, m.partition, len(m.batch)) for m in first]
    assert identity == [(m.producer_id, m.sequence, m.partition, len(m.batch)) for m in second]
    assert [(sequence, size) for _, sequence, _, size in identity] == [(1, 4), (2, 3), (3, 2)]
    assert len({producer for producer, *_ in identity}) == 1


async def test_other_keys_have_other_producers_and_spread(sink: FakeSink) -> None:
    async with client_of(sink) as client:
        for number in range(40):
            await post(client, encode_json([GOOD]), Idempotency_Key=f"key{number}")
    assert len({message.producer_id for message in sink.messages}) == 40
    assert {message.partition for message in sink.messages} == {0, 1, 2, 3}


async def test_key_for_another_body_is_409(client: httpx2.AsyncClient, sink: FakeSink) -> None:
    await post(client, encode_json([GOOD]), Idempotency_Key="k")
    response = await post(client, encode_json([GOOD, GOOD]), Idempotency_Key="k")
    assert envelope(response) == (409, "conflict")
    same = await post(client, gzip.compress(encode_json([GOOD])), Idempotency_Key="k",
                      Content_Encoding="gzip")  # fmt: skip
    assert same.status_code == 202
    assert len(sink.messages) == 2


async def test_key_of_a_body_that_could_not_be_read_is_free(client: httpx2.AsyncClient) -> None:
    torn = await post(client, encode_json([GOOD])[:-1], Idempotency_Key="k")
    assert envelope(torn) == (400, "invalid_input")
    assert (await post(client, encode_json([GOOD]), Idempotency_Key="k")).status_code == 202


async def test_oldest_remembered_key_is_forgotten(sink: FakeSink) -> None:
    async with client_of(sink, remembered_keys=1) as client:
        for key, body in (("a", [GOOD]), ("b", [GOOD]), ("a", [GOOD, GOOD])):
            response = await post(client, encode_json(body), Idempotency_Key=key)
            assert response.status_code == 202


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_keys_have_1_to_255_characters(client: httpx2.AsyncClient, key: str) -> None:
    response = await post(client, encode_json([GOOD]), Idempotency_Key=key)
    assert envelope(response) == (400, "invalid_input")


async def test_failed_broker_is_503_and_a_retry_goes_on(
    client: httpx2.AsyncClient, sink: FakeSink
) -> None:
    sink.failures_left = 1
    response = await post(client, encode_json([GOOD]), Idempotency_Key="k")
    assert envelope(response) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert (await post(client, encode_json([GOOD]), Idempotency_Key="k")).status_code == 202


async def test_broker_that_hangs_is_503_in_time(client: httpx2.AsyncClient, sink: FakeSink) -> None:
    sink.go_on.clear()
    response = await post(client, encode_json([GOOD]))
    assert envelope(response) == (503, "unavailable")
    assert "Retry-After" in response.headers


async def test_too_much_in_flight_is_429_and_room_comes_back(sink: FakeSink) -> None:
    body = encode_json([GOOD])
    async with client_of(sink, max_in_flight_bytes=len(body)) as client:
        sink.go_on.clear()
        first = asyncio.create_task(post(client, body))
        await sink.waiting.wait()
        response = await post(client, body)
        assert envelope(response) == (429, "too_many_requests")
        assert "Retry-After" in response.headers
        sink.go_on.set()
        assert (await first).status_code == 202
        assert (await post(client, body)).status_code == 202


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


async def test_nothing_but_bad_shares_sends_nothing(
    client: httpx2.AsyncClient, sink: FakeSink
) -> None:
    response = await post(client, encode_json([BAD]))
    assert response.status_code == 202
    assert response.json()["accepted"] == 0
    assert sink.messages == []


async def test_limits_of_a_message_are_the_decoders(sink: FakeSink) -> None:
    async with client_of(sink, decode=DecodeConfig(max_shares=2)) as client:
        assert envelope(await post(client, encode_json([GOOD] * 3))) == (413, "too_large")


async def test_probes_and_metrics(client: httpx2.AsyncClient, sink: FakeSink) -> None:
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    await post(client, encode_json([GOOD]))
    assert "hashgauge_gateway_shares_total" in (await client.get("/metrics")).text
    sink.partition_count = 0
    assert envelope(await client.get("/readyz")) == (503, "unavailable")
    assert (await client.get("/healthz")).status_code == 200


async def test_errors_of_the_framework_have_the_envelope(client: httpx2.AsyncClient) -> None:
    assert envelope(await client.get("/nowhere")) == (404, "not_found")
    assert envelope(await client.get("/shares")) == (405, "method_not_allowed")


async def test_unforeseen_error_leaks_nothing(client: httpx2.AsyncClient, sink: FakeSink) -> None:
    async def broken(_message: ShareMessage) -> None:
        raise RuntimeError("secret detail")

    sink.send = broken  # type: ignore[method-assign]
    response = await post(client, encode_json([GOOD]))
    assert envelope(response) == (500, "internal_error")
    assert "secret" not in response.text
