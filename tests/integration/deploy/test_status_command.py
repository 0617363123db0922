"""`hashgauge status`: what a person sees, from the database alone."""

from __future__ import annotations

import re
from typing import LiteralString

import psycopg
import pytest
from typer.testing import CliRunner

from deploy.cli import app

WORLD: LiteralString = """
insert into pools (title) values ('north');
update leader set epoch = 4, holder = 'figures@here', renewed_at = now(),
    stream_time = now() - interval '90 s', watermark = date_trunc('minute', now());
insert into entity_figures (entity_id, accepted_15m) select id, 290 * 65536.0 from pools;
insert into entity_minutes (bucket, entity_id, accepted_count, rejected_count, accepted, rejected)
select watermark - n * interval '1 minute', pools.id, 590, 10, 1, 1
from pools, leader, generate_series(1, 9) n;
insert into status_counts select id, 'stable', 1234 from pools;
insert into flushed_minutes
    (bucket, worker_id, miner_id, accepted_count, rejected_count, accepted, rejected)
select '2026-03-01T11:05Z'::timestamptz + n % 2 * interval '1 minute', n, 1, 1, 0, 1, 0
from generate_series(1, 2500) n;
insert into intake_stream (cluster_id, topic, clock) values ('c', 'shares', 'wall');
insert into intake_partitions
    (cluster_id, topic, partition, next_offset, owner, caught_up, flushed_at)
values ('c', 'shares', 0, 4711, 'intake@here', true, now()),
    ('c', 'shares', 1, 12, 'intake@gone', true, now() - interval '1 hour');
"""


@pytest.fixture
def shown(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    with psycopg.connect(database_url) as connection:
        connection.execute(WORLD)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "160")
    result = CliRunner().invoke(app, ["status"])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_the_leader_and_how_far_behind(shown: str) -> None:
    assert "figures@here (epoch 4)" in shown
    assert re.search(r"\(0:01:3\d behind\)", shown)


def test_rates_are_those_of_the_last_five_complete_minutes(shown: str) -> None:
    assert "north 90.70 TH/s 0.00 % 10.0" in shown


def test_a_backlog_is_seen_to_shrink(shown: str) -> None:
    assert "rows to be merged 2,500 since 2026-03-01 11:05" in shown


def test_workers_by_status(shown: str) -> None:
    assert "stable 1,234" in shown


def test_an_owner_that_is_gone_stands_out(shown: str) -> None:
    assert re.search(r"caught up 0:00:\d\d ago intake@here", shown)
    assert re.search(r"silent for 1:00:\d\d 1:00:\d\d ago intake@gone", shown)
