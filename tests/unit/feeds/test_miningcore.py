"""Miningcore's relay: the sample, JSON, odd flags, gaps, and a broker that is away."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import zmq
import zmq.asyncio

from ingest.errors import FatalError, RetryableError
from ingest.feeds.miningcore import MiningcoreConfig, MiningcoreFeed
from ingest.feeds.miningcore_message import RELAY_SHARE, BadMessageError, parse_message
from ingest.kafka.producer import ShareMessage
from schemas.batch import shares_of
from schemas.runtime.clock import ManualClock
from schemas.share import Share
from tests.fixtures.until import until

SAMPLE = bytes.fromhex(
    "0a0462746331120f626331716578616d706c65616464721a0572696730312a0b626d6d696e65722f322e30320b"
    "3230332e302e3131332e373a0365753141000000000000f04048d9d737710000bc785fe0dc427a080896a9aaab"
    "0d1003"
)
PROTOBUF = bytes.fromhex("02000000")


class MemorySink:
    """Fails `failures` times after it took the message; drops repeats as intake does."""

    def __init__(self, failures: int = 0) -> None:
        self.shares: list[Share] = []
        self.messages: list[ShareMessage] = []
        self.failures = failures
        self._highest = 0

    async def partitions(self) -> int:
        return 3

    async def send(self, message: ShareMessage) -> None:
        self.messages.append(message)
        if message.sequence > self._highest:
            self._highest = message.sequence
            self.shares += shares_of(message.batch)
        if self.failures:
            self.failures -= 1
            raise RetryableError("no answer")


def test_sample_is_read() -> None:
    share = parse_message([b"btc1", PROTOBUF, SAMPLE])
    assert (share.pool, share.account_name, share.worker_name) == (
        "btc1",
        "bc1qexampleaddr",
        "rig01",
    )
    assert (share.difficulty, share.source) == (65536.0, "eu1")


@pytest.mark.parametrize("layout", ["<I", ">I"])
@pytest.mark.parametrize("noise", [0x00, 0xF0])
def test_byte_swapped_flags_are_tolerated(layout: str, noise: int) -> None:
    assert parse_message([b"p", struct.pack(layout, 2 | noise), SAMPLE]).worker_name == "rig01"
    value = orjson.dumps({"miner": "abc", "difficulty": 8})
    assert parse_message([b"p", struct.pack(layout, 1 | noise), value]).difficulty == 8.0


def test_json_with_the_names_in_camel_case() -> None:
    value = {"miner": "bitcoincash:qrexample", "worker": None, "difficulty": 0.5, "userAgent": "x"}
    value |= {"source": "eu2", "isBlockCandidate": True, "created": "2026-09-24T00:00:00Z"}
    share = parse_message([b"bch1", b"\1\0\0\0", orjson.dumps(value)])
    assert (share.account_name, share.worker_name) == ("qrexample", "default")
    assert (share.difficulty, share.source) == (0.5, "eu2")


def test_broken_utf8_in_a_name_does_not_cost_the_share() -> None:
    value = RELAY_SHARE.encode(miner=b"abc", worker=b"r\xff", difficulty=2.0)
    assert parse_message([b"p", PROTOBUF, value]).worker_name == "r�"


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([], "not_three_frames"),
        ([b"p", PROTOBUF], "not_three_frames"),
        ([b"p", b"", SAMPLE], "bad_flags"),
        ([b"p", b"\2\0\0\0\0", SAMPLE], "bad_flags"),
        ([b"p", b"\3\0\0\0", SAMPLE], "unknown_format"),
        ([b"p", b"\0\0\0\0", SAMPLE], "unknown_format"),
        ([b"p", PROTOBUF, SAMPLE[:20]], "malformed_protobuf"),
        ([b"p", PROTOBUF, b""], "wrong_fields"),
        ([b"p", b"\1\0\0\0", b"{"], "malformed_json"),
        ([b"p", b"\1\0\0\0", b"[" * 100_000], "wrong_fields"),
        ([b"p", b"\1\0\0\0", b'{"x":' * 100_000], "malformed_json"),
        ([b"p", b"\1\0\0\0", b'{"miner":"%s","difficulty":1}' % (b"a" * 129)], "name_too_long"),
        ([b"p", b"\1\0\0\0", b"{}"], "wrong_fields"),
        ([b"p", b"\1\0\0\0", b'{"miner":"abc","difficulty":"1"}'], "wrong_fields"),
    ],
)
def test_bad_messages_have_a_reason(frames: list[bytes], reason: str) -> None:
    with pytest.raises(BadMessageError) as caught:
        parse_message(frames)
    assert caught.value.reason == reason


class Relay:
    """A PUB socket that can be taken away and come back at the same address."""

    def __init__(self) -> None:
        self._context = zmq.asyncio.Context()
        self._open("tcp://127.0.0.1:*")

    def _open(self, address: str) -> None:
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.linger = 0
        self._socket.bind(address)
        self.address = self._socket.last_endpoint.decode()

    async def listener(self) -> None:
        """Wait until somebody has subscribed."""
        async with asyncio.timeout(10):
            while not (await self._socket.recv()).startswith(b"\1"):
                pass

    async def publish(self, *frames: bytes) -> None:
        await self._socket.send_multipart(frames)

    def drop(self) -> None:
        self._socket.close()

    def come_back(self) -> None:
        self._open(self.address)

    def close(self) -> None:
        self._socket.close()
        self._context.term()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    relay = Relay()
    yield relay
    relay.close()


def start(
    relay: Relay, sink: MemorySink, **changes: Any
) -> tuple[MiningcoreFeed, asyncio.Event, asyncio.Task[Any]]:
    settings: dict[str, Any] = {"flush_s": 0.01} | changes
    feed = MiningcoreFeed(
        MiningcoreConfig(relay.address, **settings), sink, clock=ManualClock(1_790_265_931_000)
    )
    stop = asyncio.Event()
    return feed, stop, asyncio.create_task(feed.run(stop))


async def test_shares_arrive_with_the_time_of_the_reader(relay: Relay) -> None:
    sink = MemorySink()
    _, stop, task = start(relay, sink)
    await relay.listener()
    await relay.publish(b"btc1", PROTOBUF, SAMPLE)
    await relay.publish(b"btc1", b"junk")
    await until(lambda: sink.shares)
    stop.set()
    summary = await task
    assert sink.shares[0].timestamp_ms == sink.messages[0].timestamp_ms == 1_790_265_931_000
    assert sink.shares[0].source == "eu1"
    assert (summary.read, summary.sent, summary.skipped) == (2, 1, {"not_three_frames": 1})


async def test_lost_connection_is_a_gap(relay: Relay) -> None:
    sink = MemorySink()
    feed, stop, task = start(relay, sink)
    await relay.listener()
    await until(lambda: feed._connected)
    relay.drop()
    await until(lambda: feed.summary.gaps == 1)
    relay.come_back()
    await relay.listener()
    await relay.publish(b"btc1", PROTOBUF, SAMPLE)
    await until(lambda: sink.shares)
    stop.set()
    assert (await task).gaps == 1


async def test_only_the_pool_asked_for(relay: Relay) -> None:
    sink = MemorySink()
    _, stop, task = start(relay, sink, pool="btc1")
    await relay.listener()
    for pool in (b"ltc1", b"btc10", b"btc1"):
        await relay.publish(pool, PROTOBUF, SAMPLE)
    await until(lambda: sink.shares)
    stop.set()
    summary = await task
    assert len(sink.shares) == 1
    assert summary.skipped == {"other_pool": 1}


async def test_stop_sends_what_was_received(relay: Relay) -> None:
    sink = MemorySink()
    feed, stop, task = start(relay, sink, flush_s=3_600)
    await relay.listener()
    for _ in range(10):
        await relay.publish(b"btc1", PROTOBUF, SAMPLE)
    await until(lambda: feed.summary.read == 10)
    stop.set()
    assert (await task).sent == 10
    assert len(sink.shares) == 10


async def test_unanswered_message_is_sent_again_as_it_was(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.kafka.producer.RETRY_FIRST_S", 0.05)
    sink = MemorySink(failures=1)
    _, stop, task = start(relay, sink)
    await relay.listener()
    await relay.publish(b"btc1", PROTOBUF, SAMPLE)
    await until(lambda: sink.messages)
    await relay.publish(b"btc1", PROTOBUF, SAMPLE)
    await asyncio.sleep(0)
    stop.set()  # cancels the attempt under way; what it held must not be cut anew
    summary = await task
    assert len(sink.shares) == summary.sent == summary.read


async def test_flood_holds_up_neither_sending_nor_a_stop() -> None:
    class Flood:
        async def recv_multipart(self) -> list[bytes]:
            return [b"btc1", PROTOBUF, SAMPLE]

    feed = MiningcoreFeed(MiningcoreConfig("tcp://127.0.0.1:1", buffer_max=50_000), MemorySink())
    receiving = asyncio.create_task(feed._receive(Flood()))  # type: ignore[arg-type]
    for _ in range(3):
        await asyncio.sleep(0)
    assert 0 < feed.summary.read < 10
    receiving.cancel()


async def test_broker_away_at_stop_is_told(relay: Relay) -> None:
    sink = MemorySink(failures=1_000)
    feed, stop, task = start(relay, sink, stop_flush_s=0.05, buffer_max=3)
    await relay.listener()
    for _ in range(5):
        await relay.publish(b"btc1", PROTOBUF, SAMPLE)
    await until(lambda: feed.summary.read == 5)
    stop.set()
    summary = await task
    assert summary.skipped == {"buffer_full": 2, "unsent_at_stop": 3}


async def test_broker_away_from_the_beginning_is_told_before_a_share_is_received(
    relay: Relay,
) -> None:
    class NoBroker(MemorySink):
        async def partitions(self) -> int:
            raise RetryableError("no broker")

    feed, _, task = start(relay, NoBroker())
    with pytest.raises(RetryableError):
        async with asyncio.timeout(5):
            await task
    assert feed.summary.read == 0


async def test_bad_address_is_said_plainly() -> None:
    feed = MiningcoreFeed(MiningcoreConfig("nonsense"), MemorySink())
    with pytest.raises(FatalError, match="nonsense"):
        await feed.run(asyncio.Event())
