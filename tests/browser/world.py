"""Three hours of a pool as the figures leader left them, and the API in front of them."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import psycopg
import uvicorn
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from query_api.admin.keys import create_key
from query_api.app import create_app
from query_api.config import ApiConfig, CacheConfig, DatabaseConfig, EventStreamConfig
from tests.fixtures.figures_term import Term
from tests.fixtures.worker_minutes import START, FakeIntake, Work
from tests.integration.api_client import BASE, UNLIMITED

WORKERS = 64
"""Half of them belong to miner0: more than a page of the table holds."""
HISTORY_MIN = 180
OUTAGE_MIN = range(100, 120)
"""Minutes ago in which the whole pool is without a share, as when the service was down."""
SILENT_WORKER = 1
WAKING_WORKER = 2
"""As silent as the other one, until a test lets it send a share; rig0 and rig1."""
SILENT_FOR_MIN = 90
DIFFICULTY = 65_536.0


class ApiServer:
    """The API on a port that stays the same when it is stopped and started again."""

    def __init__(self, config: ApiConfig) -> None:
        self._config = config
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port: int = probe.getsockname()[1]
        self._running: tuple[uvicorn.Server, threading.Thread] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """The socket listens before the thread starts, so that nobody has to wait."""
        listener = socket.create_server(("127.0.0.1", self._port))
        settings = uvicorn.Config(
            create_app(self._config),
            log_config=None,
            access_log=False,
            # Event streams have no end of their own.
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        self._running = server, thread

    def stop(self) -> None:
        assert self._running is not None
        server, thread = self._running
        server.should_exit = True
        thread.join(timeout=30)
        assert not thread.is_alive()
        self._running = None


def minutes_now() -> float:
    """Minutes from the fixtures' START to the wall clock."""
    return (datetime.now(UTC) - START).total_seconds() / 60


@dataclass
class World:
    """A pool with `miner0` and `miner1`, a key that owns the pool, and a watcher link of miner0."""

    api: ApiServer
    connection: AsyncConnection[Any]
    intake: FakeIntake
    term: Term
    pool: str
    miners: dict[str, str]
    workers: dict[str, str]
    key: str
    watcher_token: str = ""

    async def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def advance(self, *work: Work) -> None:
        """The stream comes to the wall clock; a beat; what changed is numbered for the feed."""
        await self.intake.flush(list(work), stream=minutes_now())
        await self.term.beat()
        await self.number_events()

    async def number_events(self) -> None:
        """As the publisher does it."""
        await self.rows(
            "update events set sequence = found.place from (select id, row_number() over (order by"
            " id) + (select coalesce(max(sequence), 0) from events) as place from events where"
            " sequence is null) as found where found.id = events.id"
        )

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """A call of the API with the owner's key."""
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {self.key}"}) as client:
            response = await client.request(
                method, f"{self.api.address}{BASE}{path}", json=body or None
            )
        response.raise_for_status()
        return response.json()


def history(end: int) -> list[Work]:
    """Work of every third minute, a few rejects, an outage of all and a worker that fell silent."""
    work = []
    for ago in range(HISTORY_MIN, 0, -1):
        if ago in OUTAGE_MIN:
            continue
        for worker in range(1, WORKERS + 1):
            silent = worker in (SILENT_WORKER, WAKING_WORKER) and ago < SILENT_FOR_MIN
            if silent or (ago + worker) % 3:
                continue
            rejected = DIFFICULTY if (ago * worker) % 29 == 0 else 0.0
            work.append(Work(end - ago, worker, DIFFICULTY * (worker + 1), rejected))
    return work


async def build_world(url: str) -> World:
    """The database's three hours, beat by beat, and the API in front of it, started."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    intake = FakeIntake(connection)
    await intake.set_up(miners=2, workers=WORKERS)
    term = await Term.begin(connection)
    end = int(minutes_now())
    work = history(end)
    for start in range(end - HISTORY_MIN, end, 30):
        part = [row for row in work if start <= row.minute < start + 30]
        await intake.flush(part, stream=start + 30)
        await term.beat()
    _, key = await create_key(url, title="browser tests", email="owner@example.com")
    await connection.execute(
        "insert into roles (entity_id, user_uid, role) select pools.id, users.uid, 'owner'"
        " from pools, users"
    )
    config = ApiConfig(
        DatabaseConfig(url, pool_size=5),
        limits=UNLIMITED,
        cache=CacheConfig(beat_poll_s=0.05),
        events=EventStreamConfig(poll_s=0.1),
    )
    world = World(ApiServer(config), connection, intake, term, "", {}, {}, key)
    world.pool = str((await world.rows("select uid from pools"))[0]["uid"])
    names = await world.rows("select account_name as name, uid from miners")
    world.miners = {row["name"]: str(row["uid"]) for row in names}
    rigs = await world.rows("select name, uid from workers")
    world.workers = {row["name"]: str(row["uid"]) for row in rigs}
    world.api.start()
    await _share_and_watch(world)
    await world.advance()
    return world


async def _share_and_watch(world: World) -> None:
    """A boundary worker for miner0, and a watcher link of it."""
    await world.call(
        "POST",
        "/workers/boundary",
        name="hosted",
        donor_miner_id=world.miners["miner1"],
        recipient_miner_id=world.miners["miner0"],
        hashrate="5000000000000",
    )
    path = f"/miners/{world.miners['miner0']}/watchers"
    world.watcher_token = (await world.call("POST", path, title="phone"))["token"]


async def close_world(world: World) -> None:
    with contextlib.suppress(AssertionError):
        world.api.stop()
    await world.connection.close()
