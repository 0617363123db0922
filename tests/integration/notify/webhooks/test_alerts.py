"""Who gets what by webhook: delays, muted miners, silent sources folded into one message."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import orjson
import pytest

from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.webhooks.receiver import (
    CONFIG,
    SECRET,
    Receiver,
    all_taken,
)

DROPPED = """
select deliveries.worker_id, deliveries.attempts, webhooks.miner_id
from webhook_deliveries as deliveries
join webhooks on webhooks.id = deliveries.webhook_id
where deliveries.status = 'dropped' and deliveries.finished_at is not null
"""


async def test_alert_waits_and_is_dropped_with_its_return(seeded: SeededEvents) -> None:
    receiver = Receiver()
    miner = await seeded.add_miner("patient", alert_delay_s=3_600)
    flapping, dead = [await seeded.add_worker(miner, name) for name in ("flapping", "dead")]
    async with http_server(receiver) as url:
        await seeded.add_webhook(miner, url, SECRET)
        async with publishing(seeded, CONFIG):
            await seeded.change(flapping, "unavailable")
            await seeded.change(dead, "unavailable")
            await until(lambda: seeded.alerts("waiting"))
            await seeded.change(flapping, "stable", cause="share")
            (cancelled,) = await until(lambda: seeded.alerts("cancelled"))
            assert cancelled["worker_id"] == flapping
            dropped = await seeded.run(DROPPED)
            assert [row["worker_id"] for row in dropped] == [flapping]
            # The delay runs out.
            await seeded.run("update alerts set due_at = now() where status = 'waiting'")
            await until(lambda: receiver.requests)
            await seeded.change(dead, "stable", cause="share")
            await until(lambda: len(receiver.requests) == 2)
    assert [(data["worker"]["name"], data["to"]) for data in receiver.data] == [  # type: ignore[index]
        ("dead", "unavailable"),
        ("dead", "stable"),
    ]


async def test_muted_miner_gets_nothing(seeded: SeededEvents) -> None:
    receiver = Receiver()
    miner, other = await seeded.add_miner("muted"), await seeded.add_miner("other")
    await seeded.run(
        "update miners set muted_until = now() + interval '1 hour' where id = %s", miner
    )
    async with http_server(receiver) as url:
        for one in (miner, other):
            await seeded.add_webhook(one, url, SECRET)
        async with publishing(seeded, CONFIG):
            for one in (miner, other):
                await seeded.change(await seeded.add_worker(one, "rig"), "off")
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
async def test_return_that_is_not_sent_ends_the_alert_all_the_same(
    seeded: SeededEvents, quiet: str
) -> None:
    miner = await seeded.add_miner("patient", alert_delay_s=3_600)
    source = await seeded.add_source("eu1")
    worker = await seeded.add_worker(miner, "rig", source_id=source)
    await seeded.add_webhook(miner, "https://203.0.113.1/", SECRET)
    async with publishing(seeded, CONFIG):
        await seeded.change(worker, "unavailable")
        await seeded.source_event(source, "source-silent", workers=1)
        await until(lambda: all_taken(seeded))
        await seeded.run(quiet)
        await seeded.change(worker, "stable", cause="share")
        await seeded.source_event(source, "source-back", workers=1)
        await until(lambda: all_taken(seeded))
    assert len(await seeded.alerts("cancelled")) == 2
    # Both stand in the list of a webhook that is there, as not to be sent.
    assert {row["status"] for row in await seeded.deliveries()} <= {"dropped"}
    assert len(await seeded.run(DROPPED)) == (2 if "miners" in quiet else 0)


@pytest.mark.parametrize("quiet", [True, False])
async def test_muted_miner_does_not_hear_of_a_source_that_is_back(
    seeded: SeededEvents, *, quiet: bool
) -> None:
    receiver = Receiver()
    miner, source = await seeded.add_miner("acme"), await seeded.add_source("eu1")
    await seeded.add_worker(miner, "rig", source_id=source)
    async with http_server(receiver) as url:
        await seeded.add_webhook(miner, url, SECRET)
        async with publishing(seeded, CONFIG):
            await seeded.source_event(source, "source-silent", workers=1)
            await until(lambda: receiver.requests)
            await seeded.run(
                "update miners set muted_until = now() + interval '1 hour' where %s", quiet
            )
            await seeded.source_event(source, "source-back", workers=1)
            await until(lambda: all_taken(seeded))
    assert len(await seeded.deliveries()) == (1 if quiet else 2)


async def test_silent_source_is_one_message_a_miner(
    seeded: SeededEvents,
) -> None:
    got: defaultdict[str, list[dict[str, object]]] = defaultdict(list)

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got[request.path].append(orjson.loads(request.body)["data"])
        return HttpAnswer()

    source = await seeded.add_source("eu1")
    big, small = await seeded.add_miner("big"), await seeded.add_miner("small")
    workers = [await seeded.add_worker(big, f"rig{i}", source_id=source) for i in range(12)]
    workers += [await seeded.add_worker(small, "rig", source_id=source)]
    async with http_server(receiver) as url:
        await seeded.add_webhook(big, f"{url}/big", SECRET)
        await seeded.add_webhook(small, f"{url}/small", SECRET)
        async with publishing(seeded, CONFIG):
            await seeded.source_event(source, "source-silent", workers=13)
            for worker in workers:
                await seeded.change(worker, "unavailable", cause="source_silent", source=source)
            await until(lambda: len(got) == 2)
            for worker in workers:
                await seeded.change(worker, "stable", cause="source_back", source=source)
            await seeded.source_event(source, "source-back", workers=13)
            await until(lambda: len(got["/big"]) == 2 and len(got["/small"]) == 2)
    for path, own in (("/big", 12), ("/small", 1)):
        assert [(data["type"], data["source"], data["workers"]) for data in got[path]] == [
            ("source-silent", "eu1", own),
            ("source-back", "eu1", own),
        ]


@pytest.mark.parametrize(("rate_span_s", "workers"), [(600, [2]), (3_600, [3, 1])])
async def test_silent_source_concerns_whom_the_leader_counts(
    seeded: SeededEvents, rate_span_s: int, workers: list[int]
) -> None:
    """One worker of each miner had been silent for half an hour by then."""
    receiver = Receiver()
    source = await seeded.add_source("eu1")
    async with http_server(receiver) as url:
        for name, active in (("acme", 2), ("idle", 0)):
            miner = await seeded.add_miner(name)
            for rig in range(active):
                await seeded.add_worker(miner, f"rig{rig}", source_id=source)
            old = await seeded.add_worker(miner, "old", source_id=source)
            await seeded.fall_silent(old, minutes=30)
            await seeded.add_webhook(miner, url, SECRET)
        async with publishing(seeded, replace(CONFIG, rate_span_s=rate_span_s)):
            await seeded.source_event(source, "source-silent", workers=13)
            await until(lambda: len(receiver.data) == len(workers))
    assert sorted((data["workers"] for data in receiver.data), reverse=True) == workers  # type: ignore[type-var]
