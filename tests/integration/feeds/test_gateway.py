"""The gateway over HTTP: what it answers, its keys, and a broker that fails."""

from __future__ import annotations

import asyncio
import gzip

import httpx2
import pytest

from ingest.decode.decoder import DecodeConfig
from ingest.kafka.producer import ShareMessage
from schemas import topics
from schemas.codec import encode_json
from schemas.share import Share, ShareResult
from tests.integration.feeds.gateway_client import (
    BAD,
    KEY,
    FakeSink,
    client_of,
    envelope,
    post,
)
from tests.unit.ingest.bad_messages import ARROW as ARROW_OF_TWO
from tests.unit.ingest.bad_messages import GOOD, NOW_MS


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
    torn = await post(client, encode_json([GOOD])[:20], Idempotency_Key="k")
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
