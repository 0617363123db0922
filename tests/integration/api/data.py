"""Data for tests of the API: fills the tables directly, so that no write side is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import numpy as np

from schemas.rollups import FAMILIES, SUM_COLUMNS, rollup_select
from schemas.share import REJECT_REASONS
from schemas.windows import LEVELS, WINDOWS

WATERMARK = datetime(2026, 9, 13, 10, 17, tzinfo=UTC)
"""End of the last complete minute of the seeded figures; no multiple of 15 minutes."""

STREAM_TIME = WATERMARK + timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Node:
    """Inner id and uid of a row."""

    id: int
    uid: UUID


@dataclass(frozen=True, slots=True)
class Tree:
    """One pool; an operator with miner `alpha`; miner `beta` right under the pool.

    `boundary` is a boundary worker that alpha (donor) gives beta (recipient).
    """

    pool: Node
    operator: Node
    alpha: Node
    beta: Node
    alpha_workers: tuple[Node, ...]
    beta_workers: tuple[Node, ...]
    boundary: Node


async def _node(connection: asyncpg.Connection, sql: str, *values: object) -> Node:
    row = await connection.fetchrow(sql + " returning id, uid", *values)
    return Node(row["id"], row["uid"])


async def seed_tree(connection: asyncpg.Connection, *, workers: int = 3) -> Tree:
    """The accounts, with `workers` hardware workers for alpha and one for beta."""
    pool = await _node(
        connection, "insert into pools (title, domain) values ('Pool', 'pool.example')"
    )
    operator = await _node(
        connection, "insert into operators (pool_id, title) values ($1, 'Op')", pool.id
    )
    miner = "insert into miners (account_name, title, pool_id, operator_id) values ($1, $2, $3, $4)"
    alpha = await _node(connection, miner, "alpha", "Alpha Ltd", pool.id, operator.id)
    beta = await _node(connection, miner, "beta", None, pool.id, None)
    worker = "insert into workers (miner_id, name, behavior) values ($1, $2, $3)"
    alpha_workers = [
        await _node(connection, worker, alpha.id, f"rig-{i:02}", "hardware") for i in range(workers)
    ]
    beta_workers = [await _node(connection, worker, beta.id, "solo", "hardware")]
    boundary = await _node(connection, worker, beta.id, "gift", "boundary")
    await connection.execute(
        "insert into boundary_workers (worker_id, donor_id, created_at) values ($1, $2, $3)",
        boundary.id,
        alpha.id,
        WATERMARK - timedelta(days=2),
    )
    await connection.execute(
        "insert into boundary_hashrates (worker_id, valid_from, hashrate) values ($1, $2, 1e14)",
        boundary.id,
        WATERMARK - timedelta(days=2),
    )
    return Tree(pool, operator, alpha, beta, tuple(alpha_workers), tuple(beta_workers), boundary)


async def seed_minutes(
    connection: asyncpg.Connection, *, days: float = 8, every_minutes: int = 7, seed: int = 1
) -> None:
    """Minutes for every worker, at random, in the `days` before `WATERMARK`, and what the leader
    makes of them: entity minutes, rollups, figures, counts, the cycle."""
    rng = np.random.default_rng(seed)
    rows = await connection.fetch(
        "select w.id, w.miner_id, m.operator_id from workers w join miners m on m.id = w.miner_id"
    )
    total = int(days * 1_440)
    minutes = []
    for row in rows:
        for back in rng.choice(total, total // every_minutes, replace=False).tolist():
            accepted, stale = (rng.integers(0, 9, 2) * 65_536.0).tolist()
            bucket = WATERMARK - timedelta(minutes=back + 1)
            minutes.append(
                (bucket, row["id"], row["miner_id"], row["operator_id"], accepted, stale)
            )
    await connection.copy_records_to_table(
        "worker_minutes",
        records=[
            (at, worker, miner, operator, 1, 1, acc, rej, at, rej or None)
            for at, worker, miner, operator, acc, rej in minutes
        ],
        columns=[
            "bucket",
            "worker_id",
            "miner_id",
            "operator_id",
            "accepted_count",
            "rejected_count",
            "accepted",
            "rejected",
            "last_share_at",
            "stale",
        ],
    )
    await derive(connection)


async def derive(connection: asyncpg.Connection) -> None:
    """What the leader makes of the minutes that stand there, from scratch."""
    await _entity_minutes(connection)
    await close_rollups(connection)
    await _figures(connection)


async def close_rollups(connection: asyncpg.Connection) -> None:
    """Every level from the minutes that stand there."""
    for family in FAMILIES:
        for level in LEVELS:
            relation = family.closed_relation(level.name)
            columns = ", ".join(("bucket", family.key, *SUM_COLUMNS))
            select = rollup_select(family, level, plain=True)
            await connection.execute(f"delete from {relation}")
            await connection.execute(f"insert into {relation} ({columns}) {select}")
            await connection.execute(
                "update closed_rollups set closed_to = coalesce("
                f"(select max(bucket) from {relation}) + make_interval(secs => $2), closed_to) "
                "where level = $1",
                level.name,
                level.width_s,
            )


async def _entity_minutes(connection: asyncpg.Connection) -> None:
    sums = ", ".join(
        [f"sum(w.{c})" for c in ("accepted_count", "rejected_count", "accepted", "rejected")]
        + [f"sum(w.{reason})" for reason in REJECT_REASONS]
    )
    await connection.execute("delete from entity_minutes")
    for key, behaviors in (
        ("w.miner_id", "'hardware', 'boundary'"),
        ("w.operator_id", "'hardware'"),
        ("m.pool_id", "'hardware'"),
    ):
        await connection.execute(
            f"insert into entity_minutes select w.bucket, {key}, {sums} from worker_minutes w "
            "join miners m on m.id = w.miner_id join workers k on k.id = w.worker_id "
            f"where {key} is not null and k.behavior in ({behaviors}) group by 1, 2"
        )


async def _figures(connection: asyncpg.Connection) -> None:
    sums = ", ".join(
        f"coalesce(sum({kind}) filter (where bucket >= $1::timestamptz - interval "
        f"'{window.span_s} seconds'), 0)"
        for window in WINDOWS
        for kind in ("accepted", "rejected")
    )
    names = ", ".join(f"{kind}_{w.name}" for w in WINDOWS for kind in ("accepted", "rejected"))
    await connection.execute("truncate worker_statuses, window_blocks")
    await connection.execute("delete from entity_figures")
    await connection.execute(
        "insert into worker_figures (worker_id, miner_id, status, status_since, last_share_at, "
        f"{names}) select worker_id, miner_id, 'stable', $1, max(bucket), {sums} "
        "from worker_minutes where bucket < $1 group by 1, 2",
        WATERMARK,
    )
    await connection.execute(
        f"insert into entity_figures (entity_id, {names}) select entity_id, {sums} "
        "from entity_minutes where bucket < $1 group by 1",
        WATERMARK,
    )
    await _counts(connection)
    await set_figures_version(connection)


async def _counts(connection: asyncpg.Connection) -> None:
    await connection.execute("delete from status_counts")
    for key, behaviors in (
        ("m.id", "'hardware', 'boundary'"),
        ("m.operator_id", "'hardware'"),
        ("m.pool_id", "'hardware'"),
    ):
        await connection.execute(
            f"insert into status_counts select {key}, f.status, count(*) from worker_figures f "
            "join workers w on w.id = f.worker_id join miners m on m.id = w.miner_id "
            f"where w.behavior in ({behaviors}) and {key} is not null group by 1, 2"
        )


async def set_figures_version(
    connection: asyncpg.Connection,
    *,
    stream_time: datetime = STREAM_TIME,
    watermark: datetime = WATERMARK,
) -> None:
    """A new cycle, as the leader would set it."""
    await connection.execute(
        "update leader set epoch = epoch + 1, stream_time = $1, watermark = $2, "
        "cycle_at = clock_timestamp()",
        stream_time,
        watermark,
    )


async def set_status(connection: asyncpg.Connection, worker_id: int, status: str) -> None:
    """Another status for a worker, with the counts that follow."""
    await connection.execute(
        "update worker_figures set status = $2 where worker_id = $1", worker_id, status
    )
    await _counts(connection)
