"""The btcpool feed from one Kafka topic to another: every share once, over restarts too."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from ingest.errors import FatalError
from ingest.feeds.btcpool.feed import BtcpoolConfig, BtcpoolFeed
from ingest.feeds.btcpool.share import BTC_SHARE
from ingest.feeds.position import Positions, Span
from ingest.kafka.producer import KafkaShareSink, ShareMessage, SinkConfig
from ingest.kafka.topics import ensure_topic
from schemas.batch import shares_of
from schemas.runtime.clock import ManualClock
from schemas.share import Share

BEGIN_S = 1790265931
CLOCK = ManualClock((BEGIN_S + 30 * 86_400) * 1_000)
Write = Callable[[str, list[bytes]], Any]


class Killed(BaseException):
    """Stands for SIGKILL."""


class MemorySink:
    """Drops repeats as intake does; `die_at`: the call that takes the message and then kills."""

    def __init__(self) -> None:
        self.shares: list[Share] = []
        self.messages: list[ShareMessage] = []
        self.repeats = 0
        self.calls = 0
        self.die_at: int | None = None
        self._highest: dict[str, int] = {}

    async def partitions(self) -> int:
        return 3

    async def send(self, message: ShareMessage) -> None:
        self.calls += 1
        if message.sequence > self._highest.get(message.producer_id, 0):
            self._highest[message.producer_id] = message.sequence
            self.messages.append(message)
            self.shares += shares_of(message.batch)
        else:
            self.repeats += 1
        if self.calls == self.die_at:
            raise Killed


def record(n: int, *, worker: int = 7) -> bytes:
    share = BTC_SHARE.encode(
        workerhashid=worker,
        userid=42,
        status=1798084231,
        timestamp=BEGIN_S + n,
        sharediff=1 + abs(n),
    )
    return struct.pack("<I", 0x00010004) + share


@pytest.fixture
async def write(kafka_bootstrap: str) -> Write:
    async def put(topic: str, values: list[bytes]) -> None:
        await ensure_topic(kafka_bootstrap, topic, partitions=1, replication=1)
        async with AIOKafkaProducer(
            bootstrap_servers=kafka_bootstrap, compression_type="snappy", linger_ms=20
        ) as producer:
            pending = [await producer.send(topic, value, partition=0) for value in values]
            await asyncio.gather(*pending)

    return put


@pytest.fixture
def config(kafka_bootstrap: str, topic: str, tmp_path: Path) -> BtcpoolConfig:
    return BtcpoolConfig(
        kafka_bootstrap,
        tmp_path / "position",
        share_topic=topic,
        event_topic=f"{topic}-events",
        follow=False,
        shares_per_message=100,
    )


async def run(config: BtcpoolConfig, sink: MemorySink) -> Any:
    return await BtcpoolFeed(config, sink, clock=CLOCK).run(asyncio.Event())


async def expire(config: BtcpoolConfig, before: int) -> None:
    """As the topic's retention does."""
    admin = AIOKafkaAdminClient(bootstrap_servers=config.bootstrap_servers)
    await admin.start()
    try:
        at = TopicPartition(config.share_topic, config.partition)
        await admin.delete_records({at: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


async def killed_in_its_second_message(
    config: BtcpoolConfig, sink: MemorySink, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> None:
    """The first message is acknowledged; the second one is planned, and has arrived if `taken`."""
    acknowledge, deliver = Positions.acknowledge, sink.send

    async def dying(message: ShareMessage) -> None:
        if taken or message.sequence == 110:
            await deliver(message)
        if message.sequence > 110:
            raise Killed

    def acknowledged(positions: Positions, spans: Iterable[Span]) -> None:
        acknowledge(positions, [span for span in spans if span.end == 110])

    with monkeypatch.context() as patch:
        patch.setattr(sink, "send", dying)
        patch.setattr(Positions, "acknowledge", acknowledged)
        with pytest.raises(Killed):
            await run(config, sink)


async def test_every_share_once_with_the_names_known(config: BtcpoolConfig, write: Write) -> None:
    content = {"user_id": 42, "worker_id": 7, "worker_name": "rig.1", "miner_agent": "x"}
    event = orjson.dumps({"type": "worker_update", "content": content})
    await write(config.event_topic, [b"junk", event])
    await write(config.share_topic, [record(n) for n in range(250)] + [b"?", record(0, worker=-1)])
    sink = MemorySink()
    summary = await run(config, sink)
    assert Counter(share.worker_name for share in sink.shares) == {
        "rig.1": 250,
        "worker_ffffffffffffffff": 1,
    }
    assert sum(share.difficulty for share in sink.shares) == sum(range(1, 251)) + 1
    assert (summary.read, summary.sent, summary.skipped) == (252, 251, {"too_short": 1})


async def test_restart_goes_on_behind_what_was_sent(config: BtcpoolConfig, write: Write) -> None:
    sink = MemorySink()
    await write(config.share_topic, [record(n) for n in range(150)])
    await run(config, sink)
    await write(config.share_topic, [record(n) for n in range(150, 300)])
    await run(config, sink)
    assert [share.difficulty for share in sink.shares] == [1 + n for n in range(300)]
    assert sink.repeats == 0


async def test_killed_after_a_send_repeats_the_same_cut(
    config: BtcpoolConfig, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()
    await write(config.share_topic, [record(n) for n in range(250)])
    sink.die_at = 2
    with monkeypatch.context() as patch:
        patch.setattr(Positions, "acknowledge", lambda *_: None)
        with pytest.raises(Killed):
            await run(config, sink)
    sink.die_at = None
    await write(config.share_topic, [record(n) for n in range(250, 300)])
    await run(config, sink)
    assert sink.repeats > 0
    assert [share.difficulty for share in sink.shares] == [1 + n for n in range(300)]


async def test_share_with_a_wild_clock_travels_alone_and_not_ahead_of_time(
    config: BtcpoolConfig, write: Write
) -> None:
    ahead = 400 * 86_400
    await write(config.share_topic, [record(n) for n in (0, 1, ahead, 2, 3, -ahead, 4)])
    sink = MemorySink()
    summary = await run(config, sink)
    assert [len(message.batch) for message in sink.messages] == [2, 1, 2, 1, 1]
    assert [message.timestamp_ms // 1_000 - BEGIN_S for message in sink.messages] == [
        1,
        CLOCK.now_ms() // 1_000 - BEGIN_S,
        3,
        -ahead,
        4,
    ]
    assert (summary.read, summary.sent) == (7, 7)


async def test_days_of_a_small_pool_are_cut_so_that_no_share_is_late(
    config: BtcpoolConfig, write: Write
) -> None:
    await write(config.share_topic, [record(n * 3_000) for n in range(90)])
    sink = MemorySink()
    await run(config, sink)
    assert [share.difficulty for share in sink.shares] == [1 + n * 3_000 for n in range(90)]
    for message in sink.messages:
        assert message.timestamp_ms - int(message.batch.timestamp_ms.min()) <= 3_600_000


@pytest.mark.parametrize("taken", [True, False])
async def test_what_is_left_of_an_expired_plan_counts_once(
    config: BtcpoolConfig, write: Write, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    sink = MemorySink()
    await write(config.share_topic, [record(n) for n in range(250)])
    await expire(config, 10)
    await killed_in_its_second_message(config, sink, monkeypatch, taken=taken)
    await expire(config, 150)
    summary = await run(config, sink)
    missing = [] if taken else list(range(110, 150))
    assert [share.difficulty for share in sink.shares] == [
        1 + n for n in range(10, 250) if n not in missing
    ]
    assert (summary.gaps, summary.skipped["expired"]) == (1, 40)


async def test_first_plan_that_was_not_settled_is_no_gap(
    config: BtcpoolConfig, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = MemorySink()
    await write(config.share_topic, [record(n) for n in range(50)])
    await expire(config, 10)
    sink.die_at = 1
    with monkeypatch.context() as patch:
        patch.setattr(Positions, "acknowledge", lambda *_: None)
        with pytest.raises(Killed):
            await run(config, sink)
    sink.die_at = None
    summary = await run(config, sink)
    assert [share.difficulty for share in sink.shares] == [1 + n for n in range(10, 50)]
    assert (summary.gaps, summary.skipped["expired"]) == (0, 0)


async def test_following_stops_on_demand(config: BtcpoolConfig, write: Write) -> None:
    await write(config.share_topic, [record(0)])
    settings = BtcpoolConfig(
        config.bootstrap_servers,
        config.position_path,
        share_topic=config.share_topic,
        event_topic=config.event_topic,
        poll_s=0.05,
    )
    sink, stop = MemorySink(), asyncio.Event()
    task = asyncio.create_task(BtcpoolFeed(settings, sink).run(stop))
    await write(config.share_topic, [record(1)])
    async with asyncio.timeout(20):
        while len(sink.shares) < 2:
            await asyncio.sleep(0.01)
    stop.set()
    assert (await task).sent == 2


async def test_position_of_another_topic_is_refused(config: BtcpoolConfig, write: Write) -> None:
    await write(config.share_topic, [record(0)])
    with Positions(config.position_path) as positions:
        positions.recall("stream", "other/BtcShare/0")
    with pytest.raises(FatalError, match="other/BtcShare/0"):
        await run(config, MemorySink())


async def test_topic_made_anew_is_noticed(config: BtcpoolConfig, write: Write) -> None:
    await write(config.share_topic, [record(0)])
    await run(config, MemorySink())
    with Positions(config.position_path) as positions:
        stream = positions.recall("stream", "")
        positions._db.execute("update streams set next = 99 where stream = ?", (stream,))
    with pytest.raises(FatalError, match="recreated"):
        await run(config, MemorySink())


async def test_plan_behind_the_end_of_the_topic_is_noticed(
    config: BtcpoolConfig, write: Write
) -> None:
    await write(config.share_topic, [record(0)])
    await run(config, MemorySink())
    with Positions(config.position_path) as positions:
        positions.plan([Span(positions.recall("stream", ""), 1, 99)])
    with pytest.raises(FatalError, match="recreated"):
        async with asyncio.timeout(10):
            await run(config, MemorySink())


async def test_kafka_sink_writes_what_intake_needs(
    config: BtcpoolConfig, write: Write, kafka_bootstrap: str, topic: str
) -> None:
    await write(config.share_topic, [record(n) for n in range(250)])
    target = f"{topic}-out"
    async with KafkaShareSink(SinkConfig(kafka_bootstrap, target)) as sink:
        assert await sink.partitions() == 4
        await BtcpoolFeed(config, sink, clock=CLOCK).run(asyncio.Event())
    async with AIOKafkaConsumer(
        target, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        records = []
        async with asyncio.timeout(20):
            while len(records) < 3:
                records += [each async for each in _some(consumer)]
    assert {each.partition for each in records} == {records[0].partition}
    assert [dict(each.headers)["sequence"] for each in records] == [b"100", b"200", b"250"]
    assert records[-1].timestamp == (BEGIN_S + 249) * 1_000
    assert dict(records[0].headers)["content-type"] == b"application/vnd.apache.arrow.stream"


async def _some(consumer: AIOKafkaConsumer) -> Any:
    for batch in (await consumer.getmany(timeout_ms=500)).values():
        for each in batch:
            yield each
