"""Webhooks: signed, retried, in order, folded, patient, and never sent into our own network."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from aggregator.notify.config import NotifyConfig, WebhookConfig
from aggregator.notify.signing import new_secret
from aggregator.notify.webhook_admin import list_failed, replay_failed, rotate
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.notify_world import World, publishing, until, world_of

SECRET = new_secret()
FAST = WebhookConfig(
    allow_private=True, first_retry_s=0.05, retry_factor=1.5, attempts=4, poll_s=0.05, timeout_s=2
)
CONFIG = NotifyConfig(poll_s=0.05, retry_s=0.1, webhooks=FAST)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with world_of(database_url) as found:
        yield found


class Receiver:
    """Answers with the statuses it is given, then with 200; keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self.requests: list[HttpRequest] = []
        self.statuses = list(statuses)

    async def __call__(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        return HttpAnswer(self.statuses.pop(0) if self.statuses else 200)

    @property
    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.requests]

    @property
    def data(self) -> list[dict[str, object]]:
        return [orjson.loads(request.body)["data"] for request in self.requests]


async def test_event_is_signed_as_standard_webhooks_specifies(world: World) -> None:
    receiver = Receiver()
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        await world.add_webhook(miner, f"{url}/hook?key=1", SECRET)
        identity = await world.change(worker, "unavailable")
        await until(lambda: receiver.requests)
    (request,) = receiver.requests
    body = Webhook(SECRET).verify(request.body, request.headers)
    assert request.path == "/hook?key=1"
    assert request.headers["webhook-id"] == str(identity)
    assert body["type"] == "worker-status-changed"
    assert body["data"]["worker"]["name"] == "rig01"
    assert body["data"]["miner"]["account_name"] == "acme"
    assert (body["data"]["from"], body["data"]["to"]) == (None, "unavailable")
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, request.headers)


async def test_refused_message_is_sent_again_under_the_same_id(world: World) -> None:
    receiver = Receiver(500, 302, 429)
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        await world.add_webhook(miner, url, SECRET)
        identity = await world.change(worker, "off")
        await until(lambda: len(receiver.requests) == 4)
        (delivery,) = await until(lambda: _with_status(world, "delivered"))
    assert receiver.ids == [str(identity)] * 4
    assert delivery["attempts"] == 4


async def _all_taken(world: World) -> bool:
    """By the channel; what it stored may still wait to be sent."""
    rows = await world.run(
        "select 1 from publisher_cursors where sequence = (select max(id) from events)"
    )
    return bool(rows)


async def _with_status(world: World, status: str) -> list[dict[str, object]]:
    return [row for row in await world.deliveries() if row["status"] == status]


async def test_given_up_message_is_listed_and_replayed(world: World) -> None:
    receiver = Receiver(*[503] * 4)
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        webhook = await world.add_webhook(miner, url, SECRET)
        identity = await world.change(worker, "off")
        await until(lambda: _with_status(world, "failed"))
        async with world.pool.connection() as connection:
            (failed,) = await list_failed(connection)
            assert failed["event_id"] == identity
            assert failed["last_error"] == "status 503"
            assert await replay_failed(connection, webhook_id=webhook) == 1
        await until(lambda: _with_status(world, "delivered"))
    assert set(receiver.ids) == {str(identity)}


async def test_receiver_that_is_gone_is_not_called_again(world: World) -> None:
    receiver = Receiver(410)
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        await world.add_webhook(miner, url, SECRET)
        await world.change(worker, "off")
        await until(lambda: _with_status(world, "failed"))
        assert await world.run("select enabled from webhooks") == [{"enabled": False}]


async def test_both_secrets_sign_while_they_rotate(world: World) -> None:
    receiver = Receiver()
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url:
        webhook = await world.add_webhook(miner, url, SECRET)
        async with world.pool.connection() as connection:
            fresh = await rotate(connection, webhook, overlap_s=3_600)
        assert fresh is not None
        async with publishing(world, CONFIG):
            await world.change(worker, "off")
            await until(lambda: receiver.requests)
            await world.run("update webhooks set previous_secret_until = now()")
            await world.change(worker, "stable", cause="share")
            await until(lambda: len(receiver.requests) == 2)
    first, second = receiver.requests
    for secret in (SECRET, fresh):
        Webhook(secret).verify(first.body, first.headers)
    Webhook(fresh).verify(second.body, second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(second.body, second.headers)


async def test_events_of_a_worker_stay_in_order_while_one_is_retried(world: World) -> None:
    receiver = Receiver(500, 500)
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        await world.add_webhook(miner, url, SECRET)
        changes = [
            await world.change(worker, "unavailable"),
            await world.change(worker, "stable", cause="share"),
            await world.change(worker, "unavailable"),
        ]
        await until(lambda: len(receiver.requests) == 5)
    assert receiver.ids == [str(changes[i]) for i in (0, 0, 0, 1, 2)]


async def test_slow_receiver_holds_up_nobody_else(world: World) -> None:
    release = asyncio.Event()

    async def slow(_: HttpRequest) -> HttpAnswer:
        await release.wait()
        return HttpAnswer()

    receiver = Receiver()
    slow_miner, miner = await world.add_miner("slow"), await world.add_miner("quick")
    slow_worker = await world.add_worker(slow_miner, "rig01")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(slow) as slow_url, http_server(receiver) as url:
        await world.add_webhook(slow_miner, slow_url, SECRET)
        await world.add_webhook(miner, url, SECRET)
        async with publishing(world, CONFIG):
            await world.change(slow_worker, "off")
            for status in ("unavailable", "stable", "unavailable", "stable"):
                await world.change(worker, status, cause="share")
            await until(lambda: len(receiver.requests) == 4, timeout_s=FAST.timeout_s)
            statuses = [row["status"] for row in await world.deliveries()]
            assert statuses[0] == "pending"
        release.set()


async def test_alert_waits_and_is_dropped_with_its_return(world: World) -> None:
    receiver = Receiver()
    miner = await world.add_miner("patient", alert_delay_s=3_600)
    flapping, dead = [await world.add_worker(miner, name) for name in ("flapping", "dead")]
    async with http_server(receiver) as url:
        await world.add_webhook(miner, url, SECRET)
        async with publishing(world, CONFIG):
            await world.change(flapping, "unavailable")
            await world.change(dead, "unavailable")
            await until(lambda: _with_status(world, "pending"))
            await world.change(flapping, "stable", cause="share")
            (dropped,) = await until(lambda: _with_status(world, "dropped"))
            assert dropped["worker_id"] == flapping
            # The delay runs out.
            await world.run("update webhook_deliveries set next_attempt_at = now()")
            await until(lambda: receiver.requests)
            await world.change(dead, "stable", cause="share")
            await until(lambda: len(receiver.requests) == 2)
    assert [(data["worker"]["name"], data["to"]) for data in receiver.data] == [  # type: ignore[index]
        ("dead", "unavailable"),
        ("dead", "stable"),
    ]


async def test_muted_miner_is_told_nothing(world: World) -> None:
    receiver = Receiver()
    miner, other = await world.add_miner("muted"), await world.add_miner("other")
    await world.run(
        "update miners set muted_until = now() + interval '1 hour' where id = %s", miner
    )
    async with http_server(receiver) as url:
        for one in (miner, other):
            await world.add_webhook(one, url, SECRET)
        async with publishing(world, CONFIG):
            for one in (miner, other):
                await world.change(await world.add_worker(one, "rig"), "off")
            await until(lambda: receiver.requests)
    assert [data["miner"]["account_name"] for data in receiver.data] == ["other"]  # type: ignore[index]


@pytest.mark.parametrize(
    "quiet",
    [
        "update miners set muted_until = now() + interval '1 hour'",
        "update webhooks set enabled = false",
    ],
    ids=["muted", "off"],
)
async def test_return_that_is_not_told_ends_the_alert_all_the_same(
    world: World, quiet: str
) -> None:
    miner = await world.add_miner("patient", alert_delay_s=3_600)
    source = await world.add_source("eu1")
    worker = await world.add_worker(miner, "rig", source_id=source)
    await world.add_webhook(miner, "https://203.0.113.1/", SECRET)
    async with publishing(world, CONFIG):
        await world.change(worker, "unavailable")
        await world.source_event(source, "source-silent", workers=1)
        await until(lambda: _all_taken(world))
        await world.run(quiet)
        await world.change(worker, "stable", cause="share")
        await world.source_event(source, "source-back", workers=1)
        await until(lambda: _all_taken(world))
    assert [row["status"] for row in await world.deliveries()] == ["dropped", "dropped"]


@pytest.mark.parametrize("quiet", [True, False])
async def test_who_is_muted_is_not_told_that_a_source_is_back(world: World, *, quiet: bool) -> None:
    receiver = Receiver()
    miner, source = await world.add_miner("acme"), await world.add_source("eu1")
    await world.add_worker(miner, "rig", source_id=source)
    async with http_server(receiver) as url:
        await world.add_webhook(miner, url, SECRET)
        async with publishing(world, CONFIG):
            await world.source_event(source, "source-silent", workers=1)
            await until(lambda: receiver.requests)
            await world.run(
                "update miners set muted_until = now() + interval '1 hour' where %s", quiet
            )
            await world.source_event(source, "source-back", workers=1)
            await until(lambda: _all_taken(world))
    assert len(await world.deliveries()) == (1 if quiet else 2)


async def test_silent_source_is_one_message_a_miner_with_its_own_workers(world: World) -> None:
    got: defaultdict[str, list[dict[str, object]]] = defaultdict(list)

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got[request.path].append(orjson.loads(request.body)["data"])
        return HttpAnswer()

    source = await world.add_source("eu1")
    big, small = await world.add_miner("big"), await world.add_miner("small")
    workers = [await world.add_worker(big, f"rig{i}", source_id=source) for i in range(12)]
    workers += [await world.add_worker(small, "rig", source_id=source)]
    async with http_server(receiver) as url:
        await world.add_webhook(big, f"{url}/big", SECRET)
        await world.add_webhook(small, f"{url}/small", SECRET)
        async with publishing(world, CONFIG):
            await world.source_event(source, "source-silent", workers=13)
            for worker in workers:
                await world.change(worker, "unavailable", cause="source_silent", source=source)
            await until(lambda: len(got) == 2)
            for worker in workers:
                await world.change(worker, "stable", cause="source_back", source=source)
            await world.source_event(source, "source-back", workers=13)
            await until(lambda: len(got["/big"]) == 2 and len(got["/small"]) == 2)
    for path, own in (("/big", 12), ("/small", 1)):
        assert [(data["type"], data["source"], data["workers"]) for data in got[path]] == [
            ("source-silent", "eu1", own),
            ("source-back", "eu1", own),
        ]


@pytest.mark.parametrize(("rate_span_s", "workers"), [(600, [2]), (3_600, [3, 1])])
async def test_silent_source_concerns_whom_the_leader_counts(
    world: World, rate_span_s: int, workers: list[int]
) -> None:
    """One worker of each miner had been silent for half an hour by then."""
    receiver = Receiver()
    source = await world.add_source("eu1")
    async with http_server(receiver) as url:
        for name, active in (("acme", 2), ("idle", 0)):
            miner = await world.add_miner(name)
            for rig in range(active):
                await world.add_worker(miner, f"rig{rig}", source_id=source)
            old = await world.add_worker(miner, "old", source_id=source)
            await world.fall_silent(old, minutes=30)
            await world.add_webhook(miner, url, SECRET)
        async with publishing(world, replace(CONFIG, rate_span_s=rate_span_s)):
            await world.source_event(source, "source-silent", workers=13)
            await until(lambda: len(receiver.data) == len(workers))
    assert sorted((data["workers"] for data in receiver.data), reverse=True) == workers  # type: ignore[type-var]


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/hook", "https://localhost/hook", "http://8.8.8.8/", "https://u:p@8.8.8.8/"],
)
async def test_private_addresses_are_refused(world: World, url: str) -> None:
    config = NotifyConfig(
        poll_s=0.05, webhooks=WebhookConfig(first_retry_s=0.01, attempts=1, poll_s=0.05)
    )
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    await world.add_webhook(miner, url, SECRET)
    async with publishing(world, config):
        await world.change(worker, "off")
        (failed,) = await until(lambda: _with_status(world, "failed"))
    assert "address" in str(failed["last_error"]) or "allowed" in str(failed["last_error"])


@pytest.mark.parametrize(
    "url",
    ["https://a..b/", f"https://{'a' * 64}.example/", "https://[::1/"],
)
async def test_address_that_is_none_harms_nobody_else(world: World, url: str) -> None:
    """A miner gave it, and the API took it."""
    receiver = Receiver()
    odd, miner = await world.add_miner("odd"), await world.add_miner("acme")
    config = replace(CONFIG, webhooks=replace(FAST, attempts=1))
    async with http_server(receiver) as good, publishing(world, config):
        await world.add_webhook(odd, url, SECRET)
        await world.change(await world.add_worker(odd, "rig"), "off")
        (failed,) = await until(lambda: _with_status(world, "failed"))
        await world.add_webhook(miner, good, SECRET)
        await world.change(await world.add_worker(miner, "rig"), "off")
        await until(lambda: receiver.requests)
    assert failed["last_error"]


async def test_names_that_nobody_resolves_hold_up_nothing_but_themselves(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loop's own threads decode shares and compute figures."""
    answer = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        answer.wait(30)
        return []

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    for number in range(40):
        miner = await world.add_miner(f"miner{number}")
        await world.add_webhook(miner, f"https://slow{number}.example/", SECRET)
        await world.change(await world.add_worker(miner, "rig"), "off")
    try:
        async with publishing(world, CONFIG):
            await until(lambda: len(asked) == 40)
            async with asyncio.timeout(1):
                assert await asyncio.to_thread(lambda: "computed") == "computed"
    finally:
        answer.set()


async def test_failing_receiver_is_not_called_for_every_message_that_waits(world: World) -> None:
    """It rests, as long as a message that is sent again; when it answers, all of them come."""
    receiver = Receiver(*[500] * 3)
    config = replace(CONFIG, webhooks=replace(FAST, first_retry_s=0.4, retry_factor=2))
    miner = await world.add_miner("acme")
    workers = [await world.add_worker(miner, f"rig{number}") for number in range(50)]
    for worker in workers:
        await world.change(worker, "off")
    async with http_server(receiver) as url:
        await world.add_webhook(miner, url, SECRET)
        await world.run("update webhooks set created_at = now() - interval '1 hour'")
        began_s = asyncio.get_running_loop().time()
        async with publishing(world, config):
            await until(lambda: len(receiver.requests) >= 4)
            # 0.4 s, 0.8 s and 1.6 s.
            assert asyncio.get_running_loop().time() - began_s > 2.5
            await until(lambda: len(set(receiver.ids)) == 50)


async def test_message_that_has_no_turn_for_a_day_has_failed(world: World) -> None:
    receiver = Receiver(500)
    miner = await world.add_miner("acme", alert_delay_s=3_600)
    first, second, third = [await world.add_worker(miner, f"rig{number}") for number in range(3)]
    async with http_server(receiver) as url, publishing(world, CONFIG):
        await world.add_webhook(miner, url, SECRET)
        for worker in (first, second, third):
            await world.change(worker, "off")
        await until(lambda: _all_three_wait(world))
        await world.run(
            "update webhook_deliveries set next_attempt_at ="
            " case worker_id when %s then now() else now() - interval '26 hours' end",
            third,
        )
        await until(lambda: _with_status(world, "failed"))
        await until(lambda: len(receiver.requests) == 3)
    found = {row["worker_id"]: row["status"] for row in await world.deliveries()}
    assert found == {first: "delivered", second: "failed", third: "delivered"}


async def _all_three_wait(world: World) -> bool:
    return len(await _with_status(world, "pending")) == 3


async def test_more_receivers_than_room_all_get_their_turn(world: World) -> None:
    receiver = Receiver()
    config = replace(CONFIG, webhooks=replace(FAST, concurrency=2))
    async with http_server(receiver) as url:
        for i in range(7):
            miner = await world.add_miner(f"miner{i}")
            await world.add_webhook(miner, f"{url}/{i}", SECRET)
            await world.change(await world.add_worker(miner, "rig"), "off")
        async with publishing(world, config):
            await until(lambda: len(receiver.requests) == 7)
    assert {request.path for request in receiver.requests} == {f"/{i}" for i in range(7)}


async def test_what_waits_for_a_webhook_that_is_off_is_forgotten_after_a_month(
    world: World,
) -> None:
    found = {}
    for name, enabled, days in (("off", False, 31), ("lately", False, 29), ("on", True, 31)):
        miner = await world.add_miner(name)
        await world.add_webhook(miner, "https://127.0.0.1/", SECRET)
        await world.change(await world.add_worker(miner, "rig"), "off")
        found[name] = miner
        await world.run("update events set sequence = id")
        await world.run(
            "insert into webhook_deliveries (webhook_id, event_id, sequence, next_attempt_at)"
            " select webhooks.id, event_id, events.sequence, now() - %s * interval '1 day'"
            " from webhooks join events using (miner_id) where miner_id = %s",
            days,
            miner,
        )
        await world.run("update webhooks set enabled = %s where miner_id = %s", enabled, miner)
    async with publishing(world, replace(CONFIG, webhooks=replace(FAST, allow_private=False))):
        await until(lambda: _deliveries_are(world, 2))
        (failed,) = await until(lambda: _with_status(world, "failed"))
    (waiting,) = await _with_status(world, "pending")
    owners = "select miner_id from webhooks where id = %s"
    assert [row["miner_id"] for row in await world.run(owners, failed["webhook_id"])] == [
        found["on"]
    ]
    assert [row["miner_id"] for row in await world.run(owners, waiting["webhook_id"])] == [
        found["lately"]
    ]


async def _deliveries_are(world: World, count: int) -> bool:
    return len(await world.deliveries()) == count


async def test_ended_deliveries_are_forgotten_after_a_month(world: World) -> None:
    receiver = Receiver()
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig")
    async with http_server(receiver) as url:
        await world.add_webhook(miner, url, SECRET)
        async with publishing(world, CONFIG):
            await world.change(worker, "off")
            await until(lambda: _with_status(world, "delivered"))
        await world.run("update webhook_deliveries set finished_at = now() - interval '31 days'")
        await world.change(worker, "stable")
        async with publishing(world, CONFIG):
            await until(lambda: len(receiver.requests) == 2)
            await until(lambda: _with_status(world, "delivered"))
    assert [row["sequence"] for row in await world.deliveries()] == [2]
