"""What happens to the database under the publisher passes by waiting."""

from __future__ import annotations

import asyncio

from psycopg_pool import AsyncConnectionPool

from aggregator.notify.outbox import Connection, Pool, configure
from aggregator.notify.publisher import Publisher
from deploy.database.roles import NOTIFIER
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.deletions import delete_miner
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.webhooks.receiver import CONFIG, SECRET, Receiver


async def test_webhook_deleted_while_its_events_are_published_harms_nobody(
    seeded: SeededEvents,
) -> None:
    """Its owner can delete it at any moment: here after it was found and before it is used."""
    receiver = Receiver()
    miner = await seeded.add_miner("acme")
    async with http_server(receiver) as url:
        doomed = await seeded.add_webhook(miner, f"{url}/doomed", SECRET)
        await seeded.add_webhook(miner, f"{url}/kept", SECRET)
        async with publishing(seeded, CONFIG):
            async with seeded.pool.connection() as owner, owner.transaction():
                await owner.execute("delete from webhooks where id = %s", (doomed,))
                await seeded.change(await seeded.add_worker(miner, "rig"), "off")
                # The fan-out waits for the owner's transaction by now.
                await until(lambda: _waits_for_a_lock(seeded))
            await until(lambda: receiver.requests)
    assert [request.path for request in receiver.requests] == ["/kept"]


async def _waits_for_a_lock(seeded: SeededEvents) -> bool:
    return bool(
        await seeded.run(
            "select 1 from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
    )


async def test_read_only_database_is_waited_out(seeded: SeededEvents, database_url: str) -> None:
    """As a failover leaves it for a while."""
    receiver = Receiver()
    read_only = True

    async def configured(connection: Connection) -> None:
        await configure(connection)
        if read_only:
            await connection.execute("set default_transaction_read_only = on")

    pool: Pool = AsyncConnectionPool(
        under(NOTIFIER, database_url),
        min_size=1,
        max_size=8,
        open=False,
        configure=configured,
        max_lifetime=0.5,
    )
    miner = await seeded.add_miner("acme")
    stop = asyncio.Event()
    async with http_server(receiver) as url, pool:
        await seeded.add_webhook(miner, url, SECRET)
        running = asyncio.create_task(Publisher(CONFIG, pool).run(stop))
        await asyncio.sleep(0.3)
        assert not running.done()
        read_only = False
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: receiver.requests)
        stop.set()
        await running


async def test_miner_deleted_before_its_events_are_published_harms_nobody(
    seeded: SeededEvents,
) -> None:
    receiver = Receiver()
    gone, stays = await seeded.add_miner("gone"), await seeded.add_miner("stays")
    source = await seeded.add_source("eu")
    async with http_server(receiver) as url:
        for miner in (gone, stays):
            await seeded.add_webhook(miner, f"{url}/{miner}", SECRET)
            rig = await seeded.add_worker(miner, "rig", source_id=source)
            await seeded.change(rig, "unavailable", source=source)
        await seeded.source_event(source, "source-silent", workers=2)
        async with seeded.pool.connection() as connection:
            await delete_miner(connection, gone)
        await seeded.run("delete from sources where id = %s", source)
        async with publishing(seeded, CONFIG):
            await until(lambda: receiver.requests)
            await seeded.change(rig, "stable", cause="share")
            await until(lambda: len(receiver.requests) > 1)
    assert {request.path for request in receiver.requests} == {f"/{stays}"}


async def test_miner_deleted_while_its_message_is_sent_harms_nobody(seeded: SeededEvents) -> None:
    """Its receiver has the message and answers when the miner is gone: with 200, or an error that
    would be tried again."""
    for status in (200, 500):
        gone, stays = await seeded.add_miner(f"gone{status}"), await seeded.add_miner(f"s{status}")
        receiver, deleted = Receiver(status), asyncio.Event()

        async def slow(
            request: HttpRequest, receiver: Receiver = receiver, deleted: asyncio.Event = deleted
        ) -> HttpAnswer:
            answer = await receiver(request)
            if request.path == "/gone":
                await deleted.wait()
            return answer

        async with http_server(slow) as url:
            await seeded.add_webhook(gone, f"{url}/gone", SECRET)
            await seeded.add_webhook(stays, f"{url}/stays", SECRET)
            async with publishing(seeded, CONFIG):
                await seeded.change(await seeded.add_worker(gone, "rig"), "off")
                await until(lambda receiver=receiver: receiver.requests)
                async with seeded.pool.connection() as connection:
                    await delete_miner(connection, gone)
                deleted.set()
                await seeded.change(await seeded.add_worker(stays, "rig"), "off")
                await until(lambda receiver=receiver: len(receiver.requests) > 1)
        assert [request.path for request in receiver.requests] == ["/gone", "/stays"]
