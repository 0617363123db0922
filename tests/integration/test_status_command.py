"""`hashgauge status`: what a person sees, from the database alone."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
from typer.testing import CliRunner

from deploy.cli import app

WORLD: LiteralString = """
insert into pools (title) values ('north');
update leader set epoch = 4, holder = 'figures@here', renewed_at = now(),
    stream_time = now() - interval '90 s', complete_to = date_trunc('minute', now());
insert into entity_figures (entity_id, accepted_15m) select id, 290 * 65536.0 from pools;
insert into entity_minutes (bucket, entity_id, accepted_count, rejected_count, accepted, rejected)
select complete_to - n * interval '1 minute', pools.id, 590, 10, 1, 1
from pools, leader, generate_series(1, 9) n;
insert into status_counts select id, 'stable', 1234 from pools;
insert into intake_stream (cluster_id, topic, clock) values ('c', 'shares', 'wall');
insert into intake_partitions
    (cluster_id, topic, partition, next_offset, owner, caught_up, taken_at)
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
    assert "(0:01:30 behind)" in shown


def test_rates_are_those_of_the_last_five_complete_minutes(shown: str) -> None:
    assert "north 90.70 TH/s 0.00 % 10.0" in shown


def test_workers_by_status(shown: str) -> None:
    assert "stable 1,234" in shown


def test_an_owner_that_is_gone_stands_out(shown: str) -> None:
    assert "caught up 0:00:00 ago intake@here" in shown
    assert "silent for 1:00:00 1:00:00 ago intake@gone" in shown
