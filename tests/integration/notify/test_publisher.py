"""The publisher killed between any two steps: nothing missed, no second id, order per worker."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest

from aggregator.notify.channel import Channel
from aggregator.notify.config import KafkaConfig, NotifyConfig
from aggregator.notify.kafka import KafkaChannel, Producer
from aggregator.notify.outbox import Batch, Connection, Outbox, Pool
from aggregator.notify.publisher import Publisher
from aggregator.notify.webhooks.signing import new_secret
from aggregator.postgres.lease import LeaseLostError
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.notify.killed_publisher import LEASE_S, Fuse, KilledError, fused_publisher
from tests.integration.notify.publisher_process import CONFIG
from tests.integration.notify.seeded_events import SeededEvents, publishing, seeded_events

QUICK = NotifyConfig(
    lease_s=LEASE_S, renew_s=0.05, standby_poll_s=0.02, poll_s=0.02, retry_s=0.05, batch=4,
    kafka=KafkaConfig(),
)  # fmt: skip


class Topic:
    """What arrived on the topic, in order."""

    def __init__(self) -> None:
        self.values: list[dict[str, Any]] = []
        self.keys: list[bytes] = []


class FakeBatch:
    """A batch with room for three messages."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def append(self, **message: Any) -> object | None:
        if len(self.messages) == 3:
            return None
        self.messages.append(message)
        return message


class FakeProducer:
    """A producer whose messages arrive one by one, with a step before each."""

    def __init__(self, topic: Topic, fuse: Fuse) -> None:
        self._topic = topic
        self._fuse = fuse

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def partitions_for(self, topic: str) -> set[int]:
        assert topic == "worker-status"
        return {0}

    def create_batch(self) -> FakeBatch:
        return FakeBatch()

    async def send_batch(
        self, batch: FakeBatch, topic: str, *, partition: int
    ) -> asyncio.Future[Any]:
        for message in batch.messages:
            self._fuse.step()
            self._topic.keys.append(message["key"])
            self._topic.values.append(orjson.loads(message["value"]))
        sent: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent


def fused(topic: Topic, fuse: Fuse) -> type[Publisher]:
    class FusedKafka(KafkaChannel):
        def _new_producer(self) -> Producer:
            return FakeProducer(topic, fuse)

        async def _create_topic(self) -> None: ...

    def channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
        assert config.kafka is not None
        return [FusedKafka(config.kafka, outbox)]

    return fused_publisher(fuse, channels)


async def history(seeded: SeededEvents) -> list[str]:
    """Ten events of three workers; their ids in order."""
    miner = await seeded.add_miner("acme")
    workers = [await seeded.add_worker(miner, f"rig{i}") for i in range(3)]
    statuses = ("stable", "unavailable", "stable", "off")
    changes = [(worker, status) for status in statuses for worker in workers][:10]
    return [str(await seeded.change(worker, status)) for worker, status in changes]


def is_published(seeded: SeededEvents, channel: str, events: int) -> Callable[[], Any]:
    async def check() -> bool:
        rows = await seeded.run(
            "select sequence from publisher_cursors where channel = %s", channel
        )
        return bool(rows) and rows[0]["sequence"] == events

    return check


def check_topic(topic: Topic, ids: list[str]) -> None:
    """Every event, each id with one number, numbers contiguous, in order per worker."""
    sequences = defaultdict(set)
    for value in topic.values:
        sequences[value["id"]].add(value["sequence"])
    assert {id_: min(found) for id_, found in sequences.items()} == {
        id_: place for place, id_ in enumerate(ids, start=1)
    }
    assert all(len(found) == 1 for found in sequences.values())
    numbers = defaultdict(list)
    for key, value in zip(topic.keys, topic.values, strict=True):
        assert key.decode() == value["worker"]["id"]
        if value["number"] not in numbers[key]:
            numbers[key].append(value["number"])
    assert all(found == sorted(found) for found in numbers.values())


async def test_killed_at_every_step_nothing_is_missed_or_renamed(database_url: str) -> None:
    """Kill at step 0, 1, 2 ... of one history until a run gets through; check after each kill."""
    async with seeded_events(database_url) as seeded:
        kills = 0
        while await _survives_kill_at(seeded, kills):
            kills += 1
        # Numbering twice or more, three batches, ten messages: fewer steps than this is no test.
        assert kills > 25


async def _survives_kill_at(seeded: SeededEvents, steps: int) -> bool:
    """False when the publisher was done before the kill."""
    for table in ("events", "publisher_cursors", "worker_statuses", "workers", "miners"):
        await seeded.run(f"delete from {table}")
    await seeded.run("update event_sequence set newest = 0")
    await seeded.run("update publisher set renewed_at = '-infinity'")
    ids = await history(SeededEvents(seeded.pool, seeded.of_publisher))
    topic, stop = Topic(), asyncio.Event()
    killed = fused(topic, Fuse(steps))(QUICK, seeded.of_publisher)
    running = asyncio.create_task(killed.run(stop))
    done = asyncio.create_task(until(is_published(seeded, "kafka", len(ids))))
    await asyncio.wait((running, done), return_when=asyncio.FIRST_COMPLETED)
    if done.done() and not running.done():
        stop.set()
        # It may still be killed while it idles.
        await asyncio.gather(running, return_exceptions=True)
        check_topic(topic, ids)
        return False
    done.cancel()
    with pytest.raises(KilledError):
        await running
    second = fused(topic, Fuse(10**9))
    async with publishing(seeded, QUICK, kind=second):
        await until(is_published(seeded, "kafka", len(ids)))
    check_topic(topic, ids)
    return True


async def test_processes_killed_again_and_again_deliver_every_event(
    seeded: SeededEvents, database_url: str
) -> None:
    """Real processes, real SIGKILL, at random instants; webhooks."""
    got: Counter[str] = Counter()
    order: defaultdict[str, list[int]] = defaultdict(list)

    async def receiver(request: HttpRequest) -> HttpAnswer:
        data = orjson.loads(request.body)["data"]
        got[data["id"]] += 1
        if got[data["id"]] == 1:
            order[data["worker"]["id"]].append(data["number"])
        return HttpAnswer()

    draw = random.Random(5)
    miner = await seeded.add_miner("acme")
    workers = [await seeded.add_worker(miner, f"rig{i}") for i in range(5)]
    async with http_server(receiver) as url:
        await seeded.add_webhook(miner, url, new_secret())
        ids = []
        for turn in range(5):
            for worker in workers:
                ids += [
                    str(await seeded.change(worker, status, cause="share"))
                    for status in ("unavailable", "stable")
                ]
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.notify.publisher_process", database_url
            )
            before = len(got)
            enough = before + draw.randrange(1, 10) if turn < 4 else len(ids)
            await until(lambda enough=enough: len(got) >= enough)  # type: ignore[misc]
            await asyncio.sleep(draw.random() / 20)
            process.send_signal(signal.SIGKILL)
            await process.wait()
    assert set(got) == set(ids)
    assert all(numbers == list(range(1, 11)) for numbers in order.values())


async def test_one_publishes_and_a_standby_takes_over(seeded: SeededEvents) -> None:
    first = Outbox(seeded.of_publisher, holder="first", lease_s=0.2)
    second = Outbox(seeded.of_publisher, holder="second", lease_s=0.2)
    await history(seeded)
    assert await first.acquire()
    assert not await second.acquire()
    await until(second.acquire)
    # The first one was frozen and wakes up.
    with pytest.raises(LeaseLostError):
        await first.number(100)
    with pytest.raises(LeaseLostError):
        async with first.transaction():
            pytest.fail("it may write")
    with pytest.raises(LeaseLostError):
        await first.renew()
    assert await second.number(100) == 10


async def test_numbers_go_on_where_they_stopped_and_have_no_gap(seeded: SeededEvents) -> None:
    outbox = Outbox(seeded.of_publisher, holder="one", lease_s=10)
    assert await outbox.acquire()
    await history(seeded)
    assert [await outbox.number(4) for _ in range(4)] == [4, 4, 2, 0]
    worker = await seeded.add_worker(await seeded.add_miner("other"), "rig")
    await seeded.change(worker, "stable")
    assert await outbox.number(4) == 1
    rows = await seeded.run("select sequence from events order by id")
    assert [row["sequence"] for row in rows] == list(range(1, 12))


async def test_notices_get_no_number_while_the_leader_appends(seeded: SeededEvents) -> None:
    """And the lease is renewed meanwhile: a million events may take longer than it lives."""
    outbox = Outbox(seeded.of_publisher, holder="one", lease_s=10)
    assert await outbox.acquire()
    await history(seeded)
    async with seeded.pool.connection() as leader, leader.transaction():
        await leader.execute("update event_sequence set newest = newest + 5")
        assert await outbox.number(100) == 0
        await outbox.renew()
        async with outbox.transaction():
            pass
    assert await outbox.number(100) == 10
    rows = await seeded.run("select min(sequence), max(sequence) from events")
    assert rows == [{"min": 6, "max": 15}]


async def test_first_publisher_sends_what_the_leader_numbered_before(seeded: SeededEvents) -> None:
    """A channel that comes later begins with what comes then."""
    outbox = Outbox(seeded.of_publisher, holder="one", lease_s=10)
    assert await outbox.acquire()
    await history(seeded)
    assert await outbox.number(100) == 10
    await outbox.open_channels(["kafka", "alerts"])
    await outbox.open_channels(["kafka", "alerts", "later"])
    batches = [await outbox.after_cursor(name, 100) for name in ("kafka", "alerts", "later")]
    assert batches == [Batch(0, 10, notices=False), Batch(0, 10, notices=False), None]


async def test_channel_that_is_away_holds_up_no_other(seeded: SeededEvents) -> None:
    """No broker listens on this port; webhooks go on."""
    got: list[HttpRequest] = []

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got.append(request)
        return HttpAnswer()

    config = replace(CONFIG, kafka=KafkaConfig(bootstrap_servers="127.0.0.1:1"))
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig")
    async with http_server(receiver) as url, publishing(seeded, config):
        await seeded.add_webhook(miner, url, new_secret())
        await seeded.change(worker, "off")
        await until(lambda: got)


async def test_publisher_that_stood_still_goes_on(seeded: SeededEvents) -> None:
    """The database ended its transaction meanwhile, so that nobody waits for its locks."""

    class FrozenOnce(Outbox):
        frozen = False

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Connection]:
            async with super().transaction() as connection:
                if not self.frozen:
                    self.frozen = True
                    await connection.execute(
                        "set local idle_in_transaction_session_timeout = '50ms'"
                    )
                    await asyncio.sleep(0.3)
                yield connection

    class FrozenPublisher(Publisher):
        def new_outbox(self, pool: Pool) -> Outbox:
            return FrozenOnce(pool, holder="frozen", lease_s=QUICK.lease_s)

    got: list[HttpRequest] = []

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got.append(request)
        return HttpAnswer()

    config = replace(QUICK, kafka=None, webhooks=CONFIG.webhooks)
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig")
    async with http_server(receiver) as url, publishing(seeded, config, kind=FrozenPublisher):
        await seeded.add_webhook(miner, url, new_secret())
        await seeded.change(worker, "off")
        await until(lambda: got)
