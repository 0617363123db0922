"""An owner whose wire goes dead, or that is stopped, inside its COPY: its successor goes on.

(The server itself ends the session when its keepalives stay unanswered, within a minute; of one
that is merely stopped the kernel answers them. Either holds no lock that anybody waits for.)
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from aggregator.intake import flush as flush_module
from aggregator.postgres.connection import Connection
from deploy.database.roles import AGGREGATOR
from tests.fixtures.postgres import under
from tests.fixtures.tcp_proxy import TcpProxy
from tests.integration.intake.flushing import Flushing, rows, share


async def test_owner_that_goes_silent_inside_its_copy_blocks_nobody(
    bench: Flushing, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copying, whole = asyncio.Event(), flush_module._append

    async def half(connection: Connection, data: memoryview) -> None:
        copied = connection.cursor()
        async with copied, copied.copy(flush_module.SQL["append"]) as copy:
            await copy.write(data[: len(data) // 2])
            copying.set()
            await asyncio.Event().wait()

    server = urlsplit(database_url)
    assert server.port is not None
    async with TcpProxy(server.port) as proxy:
        address = server.netloc.replace(f":{server.port}", f":{proxy.port}")
        through_it = under(AGGREGATOR, urlunsplit(server._replace(netloc=address)))
        async with AsyncConnectionPool(through_it, min_size=1, max_size=2, open=False) as pool:
            owner = Flushing(pool)
            checkpoint = await owner.checkpoint(await owner.claim(), share(1), share(2, "rig2"))
            monkeypatch.setattr(flush_module, "_append", half)
            flushing = asyncio.create_task(owner.flush(checkpoint))
            await copying.wait()
            proxy.stall()
            monkeypatch.setattr(flush_module, "_append", whole)

            async with asyncio.timeout(30):
                claim = await bench.claim(owner="successor")
                await bench.flush(await bench.checkpoint(claim, share(1)))
            assert rows(database_url, "select count(*) from flushed_minutes") == [(1,)]

            flushing.cancel()
            await proxy.cut()
            with pytest.raises((asyncio.CancelledError, psycopg.Error)):
                await flushing
    assert rows(database_url, "select count(*) from flushed_minutes") == [(1,)]
