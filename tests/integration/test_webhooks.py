"""Webhooks: signed, retried, in order, given up and replayed."""

from __future__ import annotations

import asyncio

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from aggregator.notify.signing import new_secret
from aggregator.notify.webhook_admin import list_failed, replay_failed, rotate
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.notify_world import World, publishing, until
from tests.fixtures.webhook_receiver import (
    CONFIG,
    FAST,
    SECRET,
    Receiver,
    with_status,
)


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
        (delivery,) = await until(lambda: with_status(world, "delivered"))
    assert receiver.ids == [str(identity)] * 4
    assert delivery["attempts"] == 4


async def test_given_up_message_is_listed_and_replayed(world: World) -> None:
    receiver = Receiver(*[503] * 4)
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        webhook = await world.add_webhook(miner, url, SECRET)
        identity = await world.change(worker, "off")
        await until(lambda: with_status(world, "failed"))
        async with world.pool.connection() as connection:
            (failed,) = await list_failed(connection)
            assert failed["event_id"] == identity
            assert failed["last_error"] == "status 503"
            assert await replay_failed(connection, webhook_id=webhook) == 1
        await until(lambda: with_status(world, "delivered"))
    assert set(receiver.ids) == {str(identity)}


async def test_receiver_that_is_gone_is_not_called_again(world: World) -> None:
    receiver = Receiver(410)
    miner = await world.add_miner("acme")
    worker = await world.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(world, CONFIG):
        await world.add_webhook(miner, url, SECRET)
        await world.change(worker, "off")
        await until(lambda: with_status(world, "failed"))
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
