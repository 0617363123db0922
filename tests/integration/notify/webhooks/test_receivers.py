"""Receivers that must not or cannot be reached, and deliveries that came to an end."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from aggregator.notify.config import NotifyConfig, WebhookConfig
from tests.fixtures.http_server import http_server
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.webhooks.receiver import (
    CONFIG,
    FAST,
    SECRET,
    Receiver,
    with_status,
)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.1/hook", "not a public address"),
        ("https://localhost/hook", "not a public name"),
        ("http://8.8.8.8/", "only https is allowed"),
        ("https://u:p@8.8.8.8/", "a URL with a user name is not allowed"),
    ],
)
async def test_private_addresses_are_refused(seeded: SeededEvents, url: str, why: str) -> None:
    config = NotifyConfig(
        poll_s=0.05, webhooks=WebhookConfig(first_retry_s=0.01, attempts=1, poll_s=0.05)
    )
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig01")
    await seeded.add_webhook(miner, url, SECRET)
    async with publishing(seeded, config):
        await seeded.change(worker, "off")
        (failed,) = await until(lambda: with_status(seeded, "failed"))
    assert failed["last_error"] == why


@pytest.mark.parametrize(
    "url",
    ["https://a..b/", f"https://{'a' * 64}.example/", "https://[::1/"],
)
async def test_address_that_is_none_harms_nobody_else(seeded: SeededEvents, url: str) -> None:
    """A miner gave it, and the API took it."""
    receiver = Receiver()
    odd, miner = await seeded.add_miner("odd"), await seeded.add_miner("acme")
    config = replace(CONFIG, webhooks=replace(FAST, attempts=1))
    async with http_server(receiver) as good, publishing(seeded, config):
        await seeded.add_webhook(odd, url, SECRET)
        await seeded.change(await seeded.add_worker(odd, "rig"), "off")
        (failed,) = await until(lambda: with_status(seeded, "failed"))
        await seeded.add_webhook(miner, good, SECRET)
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: receiver.requests)
    assert failed["last_error"]


async def test_names_that_nobody_resolves_hold_up_nothing_but_themselves(
    seeded: SeededEvents, monkeypatch: pytest.MonkeyPatch
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
        miner = await seeded.add_miner(f"miner{number}")
        await seeded.add_webhook(miner, f"https://slow{number}.example/", SECRET)
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
    try:
        async with publishing(seeded, CONFIG):
            await until(lambda: len(asked) == 40)
            async with asyncio.timeout(1):
                assert await asyncio.to_thread(lambda: "computed") == "computed"
    finally:
        answer.set()


async def test_failing_receiver_is_not_called_for_every_waiting_message(
    seeded: SeededEvents,
) -> None:
    """It rests, as long as a message that is sent again; when it answers, all of them come."""
    receiver = Receiver(*[500] * 3)
    config = replace(CONFIG, webhooks=replace(FAST, first_retry_s=0.4, retry_factor=2))
    miner = await seeded.add_miner("acme")
    workers = [await seeded.add_worker(miner, f"rig{number}") for number in range(50)]
    for worker in workers:
        await seeded.change(worker, "off")
    async with http_server(receiver) as url:
        await seeded.add_webhook(miner, url, SECRET)
        await seeded.run("update webhooks set created_at = now() - interval '1 hour'")
        began_s = asyncio.get_running_loop().time()
        async with publishing(seeded, config):
            await until(lambda: len(receiver.requests) >= 4)
            # 0.4 s, 0.8 s and 1.6 s.
            assert asyncio.get_running_loop().time() - began_s > 2.5
            await until(lambda: len(set(receiver.ids)) == 50)


@pytest.mark.parametrize("failing", [True, False], ids=["it failed", "we were away"])
async def test_message_that_waited_for_a_day_has_failed_if_its_receiver_did(
    seeded: SeededEvents, *, failing: bool
) -> None:
    """After an outage of ours everything that waits is tried."""
    receiver = Receiver(500)
    miner = await seeded.add_miner("acme")
    workers = [await seeded.add_worker(miner, f"rig{number}") for number in range(3)]
    async with http_server(receiver) as url:
        webhook = await seeded.add_webhook(miner, url, SECRET)
        for worker in workers:
            await seeded.change(worker, "off")
        await seeded.run("update events set sequence = id")
        # `rig0` was due first and is tried first.
        await seeded.run(
            "insert into webhook_deliveries"
            " (webhook_id, event_id, sequence, worker_id, next_attempt_at)"
            " select %s, event_id, sequence, worker_id,"
            " now() - interval '30 hours' + id * interval '1 minute' from events",
            webhook,
        )
        last = "interval '1 hour'" if failing else "interval '27 hours'"
        await seeded.run(
            "update webhooks set failing_since = now() - interval '28 hours',"
            f" failed_at = now() - {last}"
        )
        await seeded.run("update event_sequence set newest = (select max(id) from events)")
        async with publishing(seeded, CONFIG):
            await until(lambda: _none_pending(seeded))
    found = {row["worker_id"]: row["status"] for row in await seeded.deliveries()}
    outcome = "failed" if failing else "delivered"
    assert found == dict(zip(workers, ("delivered", outcome, outcome), strict=True))


async def _none_pending(seeded: SeededEvents) -> bool:
    return not await with_status(seeded, "pending")


async def test_more_receivers_than_capacity_are_all_served(seeded: SeededEvents) -> None:
    receiver = Receiver()
    config = replace(CONFIG, webhooks=replace(FAST, concurrency=2))
    async with http_server(receiver) as url:
        for i in range(7):
            miner = await seeded.add_miner(f"miner{i}")
            await seeded.add_webhook(miner, f"{url}/{i}", SECRET)
            await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        async with publishing(seeded, config):
            await until(lambda: len(receiver.requests) == 7)
    assert {request.path for request in receiver.requests} == {f"/{i}" for i in range(7)}


async def test_what_waits_for_a_webhook_that_is_off_is_forgotten_after_a_month(
    seeded: SeededEvents,
) -> None:
    found = {}
    for name, enabled, days in (("off", False, 31), ("lately", False, 29), ("on", True, 31)):
        miner = await seeded.add_miner(name)
        await seeded.add_webhook(miner, "https://127.0.0.1/", SECRET)
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        found[name] = miner
        await seeded.run("update events set sequence = id")
        await seeded.run(
            "insert into webhook_deliveries (webhook_id, event_id, sequence, next_attempt_at)"
            " select webhooks.id, event_id, events.sequence, now() - %s * interval '1 day'"
            " from webhooks join events using (miner_id) where miner_id = %s",
            days,
            miner,
        )
        await seeded.run("update webhooks set enabled = %s where miner_id = %s", enabled, miner)
    async with publishing(seeded, replace(CONFIG, webhooks=replace(FAST, allow_private=False))):
        await until(lambda: _deliveries_are(seeded, 2))
        (failed,) = await until(lambda: with_status(seeded, "failed"))
    (waiting,) = await with_status(seeded, "pending")
    owners = "select miner_id from webhooks where id = %s"
    assert [row["miner_id"] for row in await seeded.run(owners, failed["webhook_id"])] == [
        found["on"]
    ]
    assert [row["miner_id"] for row in await seeded.run(owners, waiting["webhook_id"])] == [
        found["lately"]
    ]


async def _deliveries_are(seeded: SeededEvents, count: int) -> bool:
    return len(await seeded.deliveries()) == count


async def test_ended_deliveries_are_forgotten_after_a_month(seeded: SeededEvents) -> None:
    receiver = Receiver()
    miner = await seeded.add_miner("acme")
    worker = await seeded.add_worker(miner, "rig")
    async with http_server(receiver) as url:
        await seeded.add_webhook(miner, url, SECRET)
        async with publishing(seeded, CONFIG):
            await seeded.change(worker, "off")
            await until(lambda: with_status(seeded, "delivered"))
        await seeded.run("update webhook_deliveries set finished_at = now() - interval '31 days'")
        await seeded.change(worker, "stable")
        async with publishing(seeded, CONFIG):
            await until(lambda: len(receiver.requests) == 2)
            await until(lambda: with_status(seeded, "delivered"))
    assert [row["sequence"] for row in await seeded.deliveries()] == [2]
