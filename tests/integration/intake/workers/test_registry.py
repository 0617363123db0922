"""Names to ids: limits, unknown accounts, other processes, without a round trip per share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool
from structlog.testing import capture_logs

from aggregator.intake.config import IntakeConfig
from aggregator.intake.workers.registration import Registration
from aggregator.intake.workers.registry import UNKNOWN, Registry
from deploy.database.roles import AGGREGATOR
from schemas.batch import ShareBatch, WorkerKey, batch_of
from schemas.share import OTHER_WORKER, Share, ShareResult
from tests.fixtures.postgres import under

AT_MS = 1_790_337_600_000


@pytest.fixture
async def connections(database_url: str) -> AsyncIterator[AsyncConnectionPool[Any]]:
    url = under(AGGREGATOR, database_url)
    async with AsyncConnectionPool(url, min_size=1, max_size=6, open=False) as pool:
        yield pool


def batch(*keys: WorkerKey, sources: Sequence[str | None] = ()) -> ShareBatch:
    names = [*sources, *[None] * (len(keys) - len(sources))]
    return batch_of(
        Share(AT_MS, account, worker, 1.0, ShareResult.ACCEPTED, source)
        for (account, worker), source in zip(keys, names, strict=True)
    )


async def worker_ids(
    registry: Registry, connections: AsyncConnectionPool[Any], shares: ShareBatch
) -> list[int]:
    """Ids as the fold's rows get them; -1 for unknown accounts."""
    workers, sources = registry.missing(shares)
    if workers or sources:
        async with connections.connection() as connection:
            await registry.register(connection, workers, sources)
    index, _ = registry.codes(shares)
    ids = registry.columns_of(np.maximum(index, 0).astype(np.int64)).worker_id
    return np.where(index == UNKNOWN, UNKNOWN, ids).tolist()


def names_of(database_url: str, account: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "select workers.name from workers join miners on miners.id = miner_id"
            " where account_name = %s order by workers.name",
            [account],
        ).fetchall()
    return [row[0] for row in rows]


def _miners(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("select count(*) from miners").fetchone()
    assert row is not None
    return int(row[0])


async def test_names_are_found_again_by_every_process(
    connections: AsyncConnectionPool[Any],
) -> None:
    shares = batch(("alice", "a"), ("alice", "b"), ("bob", "a"))
    first, second = Registry(IntakeConfig()), Registry(IntakeConfig())
    ids = await worker_ids(first, connections, shares)
    assert len(set(ids)) == 3
    assert first.missing(shares) == ([], [])
    assert await worker_ids(second, connections, shares) == ids


async def test_processes_that_meet_the_same_names_at_once_agree(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    shares = batch(*[(f"acct{i % 5}", f"w{i}") for i in range(200)])
    registries = [Registry(IntakeConfig()) for _ in range(5)]
    answers = await asyncio.gather(
        *(worker_ids(registry, connections, shares) for registry in registries)
    )
    assert all(answer == answers[0] for answer in answers)
    with psycopg.connect(database_url) as connection:
        pools = connection.execute("select count(*) from pools").fetchone()
    assert pools == (1,)


async def test_workers_beyond_the_limit_count_for_one_named_other(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    registry = Registry(IntakeConfig(workers_per_miner=3))
    many = [("alice", f"w{i}") for i in range(10)]
    with capture_logs() as logs:
        ids = await worker_ids(registry, connections, batch(*many, ("bob", "w0")))
    assert [(each["event"], each["account"]) for each in logs] == [("miner_full", "alice")]
    assert names_of(database_url, "alice") == [OTHER_WORKER, "w0", "w1", "w2"]
    assert len(set(ids[:3])) == 3
    assert len(set(ids[3:10])) == 1
    assert ids[3] not in ids[:3]
    # From now on no name of a full miner needs the database.
    strangers = batch(("alice", "never seen"))
    assert registry.missing(strangers) == ([], [])
    assert await worker_ids(registry, connections, strangers) == ids[3:4]


async def test_limit_is_exact_with_many_processes_at_once(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    config = IntakeConfig(workers_per_miner=20)
    await asyncio.gather(
        *(
            worker_ids(
                Registry(config), connections, batch(*[("alice", f"{n}-{i}") for i in range(15)])
            )
            for n in range(5)
        )
    )
    assert len(names_of(database_url, "alice")) == 21


async def test_full_miner_keeps_its_workers_in_a_new_process(
    connections: AsyncConnectionPool[Any],
) -> None:
    config = IntakeConfig(workers_per_miner=2)
    known = batch(("alice", "a"), ("alice", "b"))
    ids = await worker_ids(Registry(config), connections, known)
    later = Registry(config)
    await worker_ids(later, connections, batch(("alice", "c")))
    assert await worker_ids(later, connections, known) == ids


async def test_unknown_accounts_are_told_apart_if_they_are_not_created(
    connections: AsyncConnectionPool[Any],
) -> None:
    await worker_ids(Registry(IntakeConfig()), connections, batch(("alice", "a")))
    strict = Registry(IntakeConfig(create_accounts=False))
    ids = await worker_ids(strict, connections, batch(("alice", "new"), ("mallory", "a")))
    assert ids[0] > 0
    assert ids[1] == UNKNOWN


async def test_accounts_beyond_the_limit_are_unknown(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    registry = Registry(IntakeConfig(miners_limit=3))
    await worker_ids(registry, connections, batch(("alice", "a")))
    logins = batch(*[(f"random{i}", "a") for i in range(5)], ("alice", "b"))
    ids = await worker_ids(registry, connections, logins)
    assert [found == UNKNOWN for found in ids] == [False, False, True, True, True, False]
    assert await worker_ids(registry, connections, logins) == ids
    assert _miners(database_url) == 3
    # Another process finds the same, and a miner that a person adds is known at once to both.
    second = Registry(IntakeConfig(miners_limit=3))
    assert await worker_ids(second, connections, logins) == ids
    async with connections.connection() as connection:
        await connection.execute(
            "insert into miners (account_name, pool_id) select 'random4', min(id) from pools"
        )
    for process in (registry, second):
        assert (await worker_ids(process, connections, logins))[4] != UNKNOWN


async def test_miners_that_people_registered_take_no_room_from_intake(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    registry = Registry(IntakeConfig(miners_limit=3))
    await worker_ids(registry, connections, batch(("alice", "a")))
    async with connections.connection() as connection:
        await connection.execute(
            "insert into miners (account_name, pool_id, registered_by)"
            " select 'spam' || n, min(pools.id), gen_random_uuid()"
            " from pools, generate_series(1, 50) as n group by n"
        )
    logins = batch(*[(f"random{i}", "a") for i in range(4)], ("spam7", "a"))
    ids = await worker_ids(registry, connections, logins)
    assert [found == UNKNOWN for found in ids] == [False, False, True, True, False]
    assert _miners(database_url) == 53


async def test_full_pool_is_not_counted_again(connections: AsyncConnectionPool[Any]) -> None:
    registry = Registry(IntakeConfig(miners_limit=1))
    await worker_ids(registry, connections, batch(("alice", "a"), ("mallory", "a")))
    # Whoever makes miners would wait for this.
    async with connections.connection() as holder, holder.transaction():
        await holder.execute("lock table pools in share row exclusive mode")
        async with asyncio.timeout(5):
            ids = await worker_ids(registry, connections, batch(("mallory", "b"), ("eve", "a")))
    assert ids == [UNKNOWN, UNKNOWN]


async def test_limit_of_miners_is_exact_with_many_processes_at_once(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    config = IntakeConfig(miners_limit=20)
    # Every account is met by two of them.
    await asyncio.gather(
        *(
            worker_ids(
                Registry(config), connections, batch(*[(f"{n // 2}-{i}", "a") for i in range(9)])
            )
            for n in range(6)
        )
    )
    assert _miners(database_url) == 20


async def test_operator_of_a_miner_is_noticed_when_it_changes(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    registry = Registry(IntakeConfig())
    await worker_ids(registry, connections, batch(("alice", "a"), ("bob", "a")))
    slots = np.array([0, 1])
    assert registry.columns_of(slots).operator_id.tolist() == [0, 0]
    with psycopg.connect(database_url) as people:
        people.execute(
            "with made as (insert into operators (pool_id, title)"
            " select id, 'op' from pools returning id)"
            " update miners set operator_id = made.id from made where account_name = 'bob'"
        )
    async with connections.connection() as connection:
        await registry.refresh_operators(connection)
    assert registry.columns_of(slots).operator_id.astype(bool).tolist() == [False, True]


async def test_miner_met_while_operators_are_asked_for_keeps_its_own(
    connections: AsyncConnectionPool[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry(IntakeConfig())

    async def asked_before(*_: Any) -> list[tuple[int, int]]:
        with psycopg.connect(database_url) as people:
            people.execute(
                "with pool as (insert into pools (title) values ('pool') returning id),"
                " made as (insert into operators (pool_id, title)"
                " select id, 'op' from pool returning id, pool_id)"
                " insert into miners (account_name, pool_id, operator_id)"
                " select 'alice', pool_id, id from made"
            )
        await worker_ids(registry, connections, batch(("alice", "a")))
        return []

    monkeypatch.setattr(Registration, "operators", asked_before)
    async with connections.connection() as connection:
        await registry.refresh_operators(connection)
    assert registry.columns_of(np.array([0])).operator_id[0] > 0


async def test_sources_beyond_the_limit_are_none(connections: AsyncConnectionPool[Any]) -> None:
    registry = Registry(IntakeConfig(sources_limit=2))
    keys = [("alice", "a")] * 3
    shares = batch(*keys, sources=["eu", "us", "asia"])
    await worker_ids(registry, connections, shares)
    _, source = registry.codes(shares)
    assert sorted(source > 0) == [False, True, True]
    assert registry.missing(batch(("alice", "a"), sources=["mars"])) == ([], [])


async def test_removed_workers_make_room_for_new_ones(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    """A limit on what exists, not on what ever was: rigs are renamed, old names removed."""
    registry = Registry(IntakeConfig(workers_per_miner=2))
    old = await worker_ids(registry, connections, batch(("alice", "a"), ("alice", "b")))
    (other,) = await worker_ids(registry, connections, batch(("alice", "c")))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into worker_figures (worker_id, miner_id, status, status_since)"
            " select id, miner_id, 'removed', now() from workers where id = %s",
            [old[0]],
        )
    assert await worker_ids(registry, connections, batch(("alice", "c"))) == [other]
    registry.look_again()
    (new,) = await worker_ids(registry, connections, batch(("alice", "c")))
    assert new not in (other, *old)
    assert await worker_ids(registry, connections, batch(("alice", "d"))) == [other]


async def test_removed_workers_that_come_back_take_their_room(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    """What a miner has is counted anew where those ever made leave no room."""
    registry = Registry(IntakeConfig(workers_per_miner=2))
    old = await worker_ids(registry, connections, batch(("alice", "a"), ("alice", "b")))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into worker_statuses (worker_id, miner_id, status, status_since)"
            " select id, miner_id, 'removed', now() from workers where id = any(%s)",
            [old],
        )
        new = await worker_ids(registry, connections, batch(("alice", "c")))
        connection.execute("update worker_statuses set status = 'stable'")
    (other,) = await worker_ids(registry, connections, batch(("alice", "d")))
    assert other not in (*old, *new)
    assert names_of(database_url, "alice") == [OTHER_WORKER, "a", "b", "c"]


async def test_sources_that_are_gone_make_room_for_new_ones(
    connections: AsyncConnectionPool[Any], database_url: str
) -> None:
    registry = Registry(IntakeConfig(sources_limit=1))
    keys = ("alice", "a"), ("alice", "b")
    await worker_ids(registry, connections, batch(*keys, sources=("eu", "us")))
    assert registry.codes(batch(keys[0], sources=("us",)))[1].tolist() == [UNKNOWN]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "insert into source_figures (source_id, last_share_at, share_interval_s)"
            " select id, now() - interval '31 days', 1 from sources"
        )
    registry.look_again()
    await worker_ids(registry, connections, batch(keys[0], sources=("us",)))
    assert registry.codes(batch(keys[0], sources=("us",)))[1].tolist() != [UNKNOWN]
