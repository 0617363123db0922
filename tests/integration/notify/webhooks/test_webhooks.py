"""Webhooks: signed, retried, in order, given up and replayed."""

from __future__ import annotations

import asyncio

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from aggregator.admin.webhooks import list_failed, replay_failed, rotate
from aggregator.notify.webhooks.signing import new_secret
from schemas.sealing import Seal
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.webhooks.receiver import (
    CONFIG,
    FAST,
    SECRET,
    Receiver,
    with_status,
)


async def test_event_is_signed_as_standard_webhooks_specifies(seeded: SeededEvents) -> None:
    receiver = Receiver()
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(seeded, CONFIG):
        await seeded.add_webhook(miner, f"{url}/hook?key=1", SECRET)
        identity = await seeded.change(worker, "unavailable")
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


async def test_refused_message_is_sent_again_under_the_same_id(seeded: SeededEvents) -> None:
    receiver = Receiver(500, 302, 429)
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(seeded, CONFIG):
        await seeded.add_webhook(miner, url, SECRET)
        identity = await seeded.change(worker, "off")
        await until(lambda: len(receiver.requests) == 4)
        (delivery,) = await until(lambda: with_status(seeded, "delivered"))
    assert receiver.ids == [str(identity)] * 4
    assert delivery["attempts"] == 4


async def test_given_up_message_is_listed_and_replayed(seeded: SeededEvents) -> None:
    receiver = Receiver(*[503] * 4)
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(seeded, CONFIG):
        webhook = await seeded.add_webhook(miner, url, SECRET)
        identity = await seeded.change(worker, "off")
        await until(lambda: with_status(seeded, "failed"))
        async with seeded.pool.connection() as connection:
            (failed,) = await list_failed(connection)
            assert failed["event_id"] == identity
            assert failed["last_error"] == "status 503"
            assert await replay_failed(connection, webhook_id=webhook) == 1
        await until(lambda: with_status(seeded, "delivered"))
    assert set(receiver.ids) == {str(identity)}


async def test_receiver_that_is_gone_is_not_called_again(seeded: SeededEvents) -> None:
    receiver = Receiver(410)
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(seeded, CONFIG):
        await seeded.add_webhook(miner, url, SECRET)
        await seeded.change(worker, "off")
        await until(lambda: with_status(seeded, "failed"))
        assert await seeded.run("select enabled from webhooks") == [{"enabled": False}]


async def test_both_secrets_sign_while_they_rotate(seeded: SeededEvents) -> None:
    receiver = Receiver()
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(receiver) as url:
        webhook = await seeded.add_webhook(miner, url, SECRET)
        async with seeded.pool.connection() as connection:
            fresh = await rotate(connection, webhook, overlap_s=3_600, seal=Seal())
        assert fresh is not None
        async with publishing(seeded, CONFIG):
            await seeded.change(worker, "off")
            await until(lambda: receiver.requests)
            await seeded.run("update webhooks set previous_secret_until = now()")
            await seeded.change(worker, "stable", cause="share")
            await until(lambda: len(receiver.requests) == 2)
    first, second = receiver.requests
    for secret in (SECRET, fresh):
        Webhook(secret).verify(first.body, first.headers)
    Webhook(fresh).verify(second.body, second.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(second.body, second.headers)


async def test_events_of_a_worker_stay_in_order_while_one_is_retried(seeded: SeededEvents) -> None:
    receiver = Receiver(500, 500)
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(receiver) as url, publishing(seeded, CONFIG):
        await seeded.add_webhook(miner, url, SECRET)
        changes = [
            await seeded.change(worker, "unavailable"),
            await seeded.change(worker, "stable", cause="share"),
            await seeded.change(worker, "unavailable"),
        ]
        await until(lambda: len(receiver.requests) == 5)
    assert receiver.ids == [str(changes[i]) for i in (0, 0, 0, 1, 2)]


async def test_slow_receiver_holds_up_nobody_else(seeded: SeededEvents) -> None:
    release = asyncio.Event()

    async def slow(_: HttpRequest) -> HttpAnswer:
        await release.wait()
        return HttpAnswer()

    receiver = Receiver()
    slow_miner, miner = await seeded.add_miner("slow"), await seeded.add_miner("quick")
    slow_worker = await seeded.add_worker(slow_miner, "rig01")
    worker = await seeded.add_worker(miner, "rig01")
    async with http_server(slow) as slow_url, http_server(receiver) as url:
        await seeded.add_webhook(slow_miner, slow_url, SECRET)
        await seeded.add_webhook(miner, url, SECRET)
        async with publishing(seeded, CONFIG):
            await seeded.change(slow_worker, "off")
            for status in ("unavailable", "stable", "unavailable", "stable"):
                await seeded.change(worker, status, cause="share")
            await until(lambda: len(receiver.requests) == 4, within_s=FAST.timeout_s)
            statuses = [row["status"] for row in await seeded.deliveries()]
            assert statuses[0] == "pending"
        release.set()
