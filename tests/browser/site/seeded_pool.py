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
from starlette.types import ASGIApp, Receive, Scope, Send

from query_api.admin.keys import create_key
from query_api.app import create_app
from query_api.config import ApiConfig, CacheConfig, DatabaseConfig, EventStreamConfig
from tests.integration.api.client import BASE, UNLIMITED
from tests.integration.figures.fake_intake import START, FakeIntake, Work
from tests.integration.figures.leader_term import Term

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
PREFIX = "/hashgauge"


class BelowPrefix:
    """The API once more below `PREFIX`, as a proxy shows it that strips the prefix."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{PREFIX}/"):
            path = scope["path"].removeprefix(PREFIX)
            raw_path = scope["raw_path"].removeprefix(PREFIX.encode())
            scope = {**scope, "path": path, "raw_path": raw_path}
        await self._app(scope, receive, send)


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
            BelowPrefix(create_app(self._config)),
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
class SeededPool:
    """A pool with `miner0` and `miner1`, a key that owns the pool, and a watcher link of miner0."""

    api: ApiServer
    connection: AsyncConnection[Any]
    intake: FakeIntake
    term: Term
    pool: str
    miners: dict[str, str]
    workers: dict[str, str]
    key: str
    internal_key: str
    watcher_token: str = ""

    async def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def advance(self, *work: Work) -> None:
        """The stream comes to the wall clock; a cycle; what changed is numbered for the feed."""
        await self.intake.flush(list(work), stream=minutes_now())
        await self.term.cycle()
        await self.number_events()

    async def number_events(self) -> None:
        """Those that no leader appended, as the publisher does it."""
        await self.rows(
            "with numbered as (update events set sequence = found.place from (select id, newest +"
            " row_number() over (order by id) as place from events, event_sequence where sequence"
            " is null) as found where found.id = events.id returning events.id)"
            " update event_sequence set newest = newest + (select count(*) from numbered)"
        )

    async def call(self, method: str, path: str, **body: Any) -> Any:
        """A call of the API with the owner's key."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as client:
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


async def build_pool(url: str) -> SeededPool:
    """The database's three hours, cycle by cycle, and the API in front of it, started."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    intake = FakeIntake(connection)
    await intake.set_up(miners=2, workers=WORKERS)
    term = await Term.begin(connection)
    end = int(minutes_now())
    work = history(end)
    for start in range(end - HISTORY_MIN, end, 30):
        part = [row for row in work if start <= row.minute < start + 30]
        await intake.flush(part, stream=start + 30)
        await term.cycle()
    _, key = await create_key(url, title="browser tests", email="owner@example.com")
    _, internal_key = await create_key(url, title="internal", email=None)
    await connection.execute(
        "insert into roles (entity_id, user_uid, role) select pools.id, users.uid, 'owner'"
        " from pools, users"
    )
    config = ApiConfig(
        DatabaseConfig(url, pool_size=5),
        limits=UNLIMITED,
        cache=CacheConfig(version_poll_s=0.05),
        events=EventStreamConfig(poll_s=0.1),
    )
    seeded = SeededPool(ApiServer(config), connection, intake, term, "", {}, {}, key, internal_key)
    seeded.pool = str((await seeded.rows("select uid from pools"))[0]["uid"])
    names = await seeded.rows("select account_name as name, uid from miners")
    seeded.miners = {row["name"]: str(row["uid"]) for row in names}
    rigs = await seeded.rows("select name, uid from workers")
    seeded.workers = {row["name"]: str(row["uid"]) for row in rigs}
    seeded.api.start()
    await _share_and_watch(seeded)
    await seeded.advance()
    return seeded


async def _share_and_watch(seeded: SeededPool) -> None:
    """A boundary worker for miner0, and a watcher link of it."""
    await seeded.call(
        "POST",
        "/workers/boundary",
        name="hosted",
        donor_miner_id=seeded.miners["miner1"],
        recipient_miner_id=seeded.miners["miner0"],
        hashrate="5000000000000",
    )
    path = f"/miners/{seeded.miners['miner0']}/watchers"
    seeded.watcher_token = (await seeded.call("POST", path, title="phone"))["token"]


async def close_pool(seeded: SeededPool) -> None:
    with contextlib.suppress(AssertionError):
        seeded.api.stop()
    await seeded.connection.close()
