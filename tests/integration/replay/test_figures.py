"""A leader beside a replay: figures stand still meanwhile, and are those of an undisturbed run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import pytest

from deploy.database.migrate import migrate
from deploy.database.roles import AGGREGATOR
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.intake.processes import Processes
from tests.integration.intake.share_pool import stored
from tests.integration.replay.damaged_topic import (
    END_S,
    SLOW,
    Topic,
    damage,
    ends,
    hashgauge,
    replays,
    rows,
    since_option,
    taken_in,
)

KEEPS: tuple[LiteralString, ...] = (
    "select * from worker_figures order by worker_id",
    "select * from entity_figures order by entity_id",
    "select * from status_counts order by entity_id, status",
    "select * from entity_minutes order by entity_id, bucket",
    "select * from worker_15m_closed order by worker_id, bucket",
    "select * from entity_1h_closed order by entity_id, bucket",
    "select event_id from events order by id",
    "select stream_time, watermark from leader",
)
"""What the leader writes."""
CLOSED: LiteralString = (
    "select 1 from closed_rollups where level = '1h' and closed_to is not null"
    " and closed_to = (select date_trunc('hour', watermark) from leader)"
)
WORKERS: LiteralString = (
    "select account_name, workers.name, t.* from {} t join workers on workers.id = t.worker_id"
    " join miners on miners.id = workers.miner_id order by 1, 2, 3"
)
ENTITIES: LiteralString = (
    "select coalesce(account_name, 'pool'), t.* from {} t"
    " left join miners on miners.id = t.entity_id order by 1, 2"
)


@contextmanager
def leading(database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.figures.leader_process",
            under(AGGREGATOR, database_url),
            "leader",
            '{"refresh_every_s": 0.5}',
        ],
        cwd=Path(__file__).parents[3],
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def log(kafka_bootstrap: str, topic: str) -> AsyncIterator[Topic]:
    async with Topic(kafka_bootstrap, topic, seed=12) as opened:
        await opened.four_hours()
        yield opened


async def figures_are_current(
    database_url: str, bootstrap: str, topic: str, *, end_s: int = END_S
) -> None:
    at_end = await ends(bootstrap, topic)
    there = taken_in(database_url)

    def current() -> bool:
        (left,) = rows(
            database_url,
            "select (select count(*) from dirty_minutes where bucket < leader.watermark),"
            " watermark, (select count(*) from replay), cycle_at > now() - interval '2 s'"
            " from leader",
        )
        complete = left[1] is not None and left[1].timestamp() >= end_s + 120
        return there(at_end) and left[0] == 0 and complete and left[2] == 0 and left[3]

    await until(current, within_s=60)


def by_name(database_url: str) -> dict[str, Any]:
    """Minutes and rollups with names in place of ids, which differ between databases."""
    found = {}
    for level in ("minutes", "15m", "1h", "1d"):
        for family, query in (("worker", WORKERS), ("entity", ENTITIES)):
            relation = f"{family}_{level}"
            found[relation] = [
                _without_ids(row, skip=2 if family == "worker" else 1, level=level)
                for row in rows(database_url, query.format(relation))  # type: ignore[arg-type]
            ]
    return found


def _without_ids(row: tuple[Any, ...], *, skip: int, level: str) -> tuple[Any, ...]:
    """Names and bucket; then the sums, after worker, miner, operator and source in minutes."""
    sums = row[skip + (5 if (skip, level) == (2, "minutes") else 2) :]
    return (*row[: skip + 1], *sums)


async def test_no_crater_and_no_false_transition(
    log: Topic,
    bare_intakes: Processes,
    database_url: str,
    empty_database_url: str,
    kafka_bootstrap: str,
) -> None:
    migrate(empty_database_url)
    undisturbed = bare_intakes.start(
        clock="records", database_url=empty_database_url, group_id=f"{log.topic}-undisturbed"
    )
    bare_intakes.start(clock="records")
    with leading(database_url), leading(empty_database_url):
        await figures_are_current(database_url, kafka_bootstrap, log.topic)
        await figures_are_current(empty_database_url, kafka_bootstrap, log.topic)
        right = [rows(database_url, query) for query in KEEPS]
        await damage(database_url)
        await figures_are_current(database_url, kafka_bootstrap, log.topic)
        await until(lambda: rows(database_url, CLOSED))
        before = [rows(database_url, query) for query in KEEPS]
        published = transitions(database_url)
        assert before[1] != right[1]
        arguments = ("rebuild", "--shares", *since_option(END_S - 9_000), "--yes")
        rebuilding = asyncio.create_task(
            hashgauge(database_url, kafka_bootstrap, log.topic, *arguments)
        )
        await until(lambda: replays(database_url))
        shown = await hashgauge(database_url, kafka_bootstrap, log.topic, "status")
        assert "figures stand still" in shown
        assert "counts anew," in shown
        bare_intakes.start(**SLOW)
        looks, stamp_s = 0, END_S + 120
        while replays(database_url):
            found = [rows(database_url, query) for query in KEEPS]
            if replays(database_url):
                assert found == before
                looks += 1
            await log.one(stamp_s := stamp_s + 5)
        assert looks > 10
        said = await rebuilding
        assert said.endswith("recounted; figures are current\n")
        # Ten minutes at least in which everybody shares, some of them before the leader looks.
        while stamp_s < END_S + 720:
            await log.one(stamp_s := stamp_s + 5)
        await log.close(stamp_s)
        for url in (database_url, empty_database_url):
            await figures_are_current(url, kafka_bootstrap, log.topic, end_s=stamp_s)
    assert undisturbed.process.poll() is None
    assert stored(database_url) == stored(empty_database_url) == log.truth.expected
    assert by_name(database_url) == by_name(empty_database_url)
    # Everybody shared all the time; only the worker that never was falls silent.
    assert {each[1] for each in transitions(database_url) - published} <= {"counted by mistake"}
    assert windows(database_url) == windows(empty_database_url)


def transitions(database_url: str) -> set[tuple[Any, ...]]:
    return set(
        rows(
            database_url,
            "select account_name, workers.name, transition_number, from_status, to_status, at"
            " from events join workers on workers.id = worker_id"
            " join miners on miners.id = workers.miner_id",
        )
    )


def windows(database_url: str) -> list[tuple[Any, ...]]:
    return rows(
        database_url,
        "select account_name, accepted_15m, rejected_15m, accepted_1h, rejected_1h, accepted_1d,"
        " rejected_1d, accepted_1w, rejected_1w from entity_figures"
        " left join miners on miners.id = entity_id order by 1, 2",
    )
