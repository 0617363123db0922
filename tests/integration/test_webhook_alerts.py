"""Who is told what by webhook: delays, muted miners, silent sources folded into one message."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import orjson
import pytest

from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.notify_world import World, publishing, until
from tests.fixtures.webhook_receiver import (
    CONFIG,
    SECRET,
    Receiver,
    all_taken,
    with_status,
)


async def test_alert_waits_and_is_dropped_with_its_return(world: World) -> None:
    receiver = Receiver()
    miner = await world.add_miner("patient", alert_delay_s=3_600)
    flapping, dead = [await world.add_worker(miner, name) for name in ("flapping", "dead")]
    async with http_server(receiver) as url:
        await world.add_webhook(miner, url, SECRET)
        async with publishing(world, CONFIG):
            await world.change(flapping, "unavailable")
            await world.change(dead, "unavailable")
            await until(lambda: with_status(world, "pending"))
            await world.change(flapping, "stable", cause="share")
            (dropped,) = await until(lambda: with_status(world, "dropped"))
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
        await until(lambda: all_taken(world))
        await world.run(quiet)
        await world.change(worker, "stable", cause="share")
        await world.source_event(source, "source-back", workers=1)
        await until(lambda: all_taken(world))
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
            await until(lambda: all_taken(world))
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
