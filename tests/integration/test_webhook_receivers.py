"""Receivers that must not or cannot be reached, and deliveries that came to an end."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from aggregator.notify.config import NotifyConfig, WebhookConfig
from tests.fixtures.http_server import http_server
from tests.fixtures.notify_world import World, publishing, until
from tests.fixtures.webhook_receiver import (
    CONFIG,
    FAST,
    SECRET,
    Receiver,
    with_status,
)


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
        (failed,) = await until(lambda: with_status(world, "failed"))
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
        (failed,) = await until(lambda: with_status(world, "failed"))
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
        await until(lambda: with_status(world, "failed"))
        await until(lambda: len(receiver.requests) == 3)
    found = {row["worker_id"]: row["status"] for row in await world.deliveries()}
    assert found == {first: "delivered", second: "failed", third: "delivered"}


async def _all_three_wait(world: World) -> bool:
    return len(await with_status(world, "pending")) == 3


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
        (failed,) = await until(lambda: with_status(world, "failed"))
    (waiting,) = await with_status(world, "pending")
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
            await until(lambda: with_status(world, "delivered"))
        await world.run("update webhook_deliveries set finished_at = now() - interval '31 days'")
        await world.change(worker, "stable")
        async with publishing(world, CONFIG):
            await until(lambda: len(receiver.requests) == 2)
            await until(lambda: with_status(world, "delivered"))
    assert [row["sequence"] for row in await world.deliveries()] == [2]
