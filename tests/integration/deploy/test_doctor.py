"""`hashgauge doctor` against a real database and a real Kafka: what it finds and advises."""

from __future__ import annotations

import asyncio
from typing import LiteralString, NamedTuple

import orjson
import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner

from deploy.checks.broker import offsets
from deploy.checks.doctor import Finding, Level
from deploy.cli import app
from deploy.commands.care.doctor import findings
from deploy.settings.settings import load
from schemas.sealing import new_sealing_key

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
# A leader and an intake that are alive, as they write it themselves.
ALIVE: LiteralString = """
update leader set epoch = 1, holder = 'figures@here', renewed_at = now(), stream_time = now(),
    watermark = date_trunc('minute', now());
insert into intake_stream (cluster_id, topic, clock) values ('c', %(topic)s, 'wall');
insert into intake_partitions (cluster_id, topic, partition, next_offset, owner, caught_up)
select 'c', %(topic)s, number, 0, 'intake@here', true from generate_series(0, 1) number;
update settlement_leader set looked_at = now(), waits_for = 'the first share';
"""


class Stored(NamedTuple):
    partition: int
    next_offset: int


def by_subject(found: list[Finding]) -> dict[str, Level]:
    """The worst level of each subject."""
    order = list(Level)
    worst: dict[str, Level] = {}
    for each in found:
        worst[each.what] = max(worst.get(each.what, Level.OK), each.level, key=order.index)
    return worst


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    return monkeypatch


def test_nothing_there_is_said_for_each_of_them(environment: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    levels = {row["what"]: row["level"] for row in orjson.loads(result.stdout)}
    settings_alone = {"access": "warn", "secrets": "warn", "proxy": "ok"}
    assert levels == settings_alone | {"database": "fail", "broker": "fail"}


def test_an_open_api_fails(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HASHGAUGE_HOST", "0.0.0.0")
    (access,) = [each for each in findings(load()) if each.what == "access"]
    assert access.level is Level.FAIL
    assert "HASHGAUGE_INTERNAL_API_KEY" in access.advice


def test_an_old_schema_names_the_command(
    empty_database_url: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DATABASE_URL", empty_database_url)
    (schema,) = [each for each in findings(load()) if each.what == "schema"]
    assert schema.level is Level.FAIL
    assert schema.advice == "run `hashgauge migrate`"


def test_a_service_that_was_never_started_is_noticed(
    database_url: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DATABASE_URL", database_url)
    levels = by_subject(list(findings(load())))
    assert levels["schema"] is levels["rights"] is levels["clocks"] is Level.OK
    assert levels["figures"] is levels["intake"] is Level.FAIL


def test_missing_rights_are_named(database_url: str, environment: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("drop role if exists hashgauge_reader")
        connection.execute("create role hashgauge_reader login password 'x'")
        connection.execute("grant select on all tables in schema public to hashgauge_reader")
        info = connection.info
        url = f"postgresql://hashgauge_reader:x@127.0.0.1:{info.port}/{info.dbname}"
    environment.setenv("DATABASE_URL", url)
    (rights,) = [each for each in findings(load()) if each.what == "rights"]
    assert rights.level is Level.FAIL
    assert "grant select, insert, update, delete" in rights.advice


def test_timescale_policies_are_counted(
    timescale_url: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DATABASE_URL", timescale_url)
    levels = {each.what: each for each in findings(load())}
    assert levels["database kind"].level is not Level.FAIL
    assert "TimescaleDB" in levels["database kind"].found
    assert levels["policies"].found == "9 of 9 jobs are scheduled"
    with psycopg.connect(timescale_url, autocommit=True) as connection:
        connection.execute("select remove_compression_policy('worker_minutes')")
    (policies,) = [each for each in findings(load()) if each.what == "policies"]
    assert policies.level is Level.FAIL
    assert "hashgauge migrate" in policies.advice


async def make_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        hour = {"retention.ms": "3600000"}
        await admin.create_topics([NewTopic(topic, 2, 1, topic_configs=hour)])
    finally:
        await admin.close()


async def test_a_running_service_is_well_but_for_the_retention(
    database_url: str, kafka_bootstrap: str, topic: str, environment: pytest.MonkeyPatch
) -> None:
    await make_topic(kafka_bootstrap, topic)
    with psycopg.connect(database_url) as connection:
        for statement in ALIVE.split(";")[:-1]:
            connection.execute(statement, {"topic": topic})
    environment.setenv("DATABASE_URL", database_url)
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    environment.setenv("HASHGAUGE_SHARES_TOPIC", topic)
    environment.setenv("HASHGAUGE_INTERNAL_API_KEY", "k" * 32)
    environment.setenv("HASHGAUGE_SEALING_KEYS", new_sealing_key())
    # It has an event loop of its own.
    result = await asyncio.to_thread(CliRunner().invoke, app, ["doctor", "--json"])
    assert result.exit_code == 0, result.stdout
    levels = by_subject([Finding(Level(r.pop("level")), **r) for r in orjson.loads(result.stdout)])
    assert levels.pop("topics") is Level.WARN
    assert {what for what, level in levels.items() if level is not Level.OK} == set()
    assert {"offsets", "figures", "intake", "broker", "clocks"} <= set(levels)


async def test_a_broker_without_the_topic_is_told_apart_from_no_broker(
    database_url: str, kafka_bootstrap: str, topic: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("DATABASE_URL", database_url)
    environment.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_bootstrap)
    environment.setenv("HASHGAUGE_SHARES_TOPIC", topic)
    found = await asyncio.to_thread(lambda: list(findings(load())))
    levels = by_subject(found)
    assert (levels["broker"], levels["topics"]) == (Level.OK, Level.WARN)
    assert f"there is no {topic}" in [each.found for each in found]


@pytest.mark.parametrize(
    ("sequence", "taken", "level"),
    [(None, None, Level.FAIL), (5, None, Level.FAIL), (5, 4, Level.FAIL), (5, 5, Level.OK)],
)
def test_an_event_that_no_publisher_takes_is_noticed(
    database_url: str,
    environment: pytest.MonkeyPatch,
    *,
    sequence: int | None,
    taken: int | None,
    level: Level,
) -> None:
    """A notice waits for its number, an event of the leader for a channel."""
    environment.setenv("DATABASE_URL", database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into events (event_id, kind, at, worker_id, cause, sequence, created_at)"
            " values (gen_random_uuid(), 'worker-status-changed', now(), 1, 'share', %s,"
            " now() - interval '1 hour')",
            [sequence],
        )
        if taken is not None:
            connection.execute(
                "insert into publisher_cursors values ('alerts', %s), ('kafka', 0)", [taken]
            )
    assert by_subject(list(findings(load())))["events"] is level


def test_an_offset_outside_of_the_log_fails() -> None:
    found = list(offsets({0: (10, 20), 1: (0, 5)}, [Stored(0, 9), Stored(1, 5)]))
    assert [each.level for each in found] == [Level.FAIL]
    assert found[0].found == "partition 0 stands at 9, its log is (10, 20)"
    assert "hashgauge offsets reset" in found[0].advice


def test_the_lag_is_added_up() -> None:
    (found,) = offsets({0: (0, 20), 1: (0, 5)}, [Stored(0, 9), Stored(1, 5)])
    assert found.level is Level.OK
    assert "11 messages" in found.found


def test_a_new_partition_is_noticed() -> None:
    levels = {each.found: each.level for each in offsets({0: (0, 1), 1: (0, 1)}, [Stored(0, 1)])}
    assert levels["partitions [1] were never taken"] is Level.WARN
