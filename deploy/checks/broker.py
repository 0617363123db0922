"""What the broker tells `hashgauge doctor`: topics, their retention, where our offsets stand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from psycopg.rows import namedtuple_row

from aggregator.figures.rollups.retention import Policies
from deploy.checks import pooler
from deploy.checks.doctor import Finding, fail, ok, warn
from deploy.settings.settings import Settings
from deploy.wiring.kafka_client import client_options
from schemas.runtime.named_sql import load

_SQL: Final = load("deploy", "sql/doctor.sql")
_TIMEOUT_S: Final = 15.0
# Of single shares about 100 MB, of batches hours: more than this is no moment's lag.
_LAG_MESSAGES: Final = 1_000_000

Bounds = Mapping[int, tuple[int, int]]
"""Partition → the first offset of its log, and the one after its last."""


@dataclass(frozen=True, slots=True)
class Log:
    """What the broker has: topics, bounds of the shares' topic, its retention if it tells."""

    topics: frozenset[str]
    bounds: Bounds
    retention: timedelta | None


async def check_broker(settings: Settings, servers: str, *, has_database: bool) -> list[Finding]:
    """With the database, for the stored offsets, unless that is away."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            log = await _read(settings, servers)
    except (KafkaError, OSError, TimeoutError) as error:
        reason = str(error).strip() or "no answer"
        return [fail("broker", f"{servers}: {reason}", "check KAFKA_BOOTSTRAP_SERVERS")]
    stored = await asyncio.to_thread(_stored, settings) if has_database else []
    return [ok("broker", servers), *_topics(settings, log), *offsets(log.bounds, stored)]


def offsets(bounds: Bounds, stored: list[Any]) -> Iterator[Finding]:
    """Whether every stored offset lies in its log. `stored`: rows of the statement `partitions`."""
    reset = "look first, then `hashgauge offsets reset`"
    outside = [
        row
        for row in stored
        if row.partition not in bounds
        or not bounds[row.partition][0] <= row.next_offset <= bounds[row.partition][1]
    ]
    for row in outside:
        log = bounds.get(row.partition)
        text = f"partition {row.partition} stands at {row.next_offset}, its log is {log or 'gone'}"
        yield fail("offsets", text, reset)
    untaken = sorted(set(bounds) - {row.partition for row in stored})
    if stored and untaken:
        yield warn("offsets", f"partitions {untaken} were never taken", "wait half a minute")
    lag = sum(bounds[row.partition][1] - row.next_offset for row in stored if row not in outside)
    if lag > _LAG_MESSAGES:
        yield warn("lag", f"{lag:,} messages", "start more aggregators")
    elif stored and not outside:
        yield ok("offsets", f"all lie in their logs; {lag:,} messages wait")


def _topics(settings: Settings, log: Log) -> Iterator[Finding]:
    count, keep = len(log.bounds), settings.configured("retention", Policies()).keep_minutes
    if not count:
        yield warn(
            "topics", f"there is no {settings.shares_topic}", "`hashgauge aggregate` makes it"
        )
        return
    text = f"{settings.shares_topic} has {count} partitions"
    if log.retention is None:
        yield ok("topics", f"{text}; the broker does not tell its retention")
    elif timedelta() <= log.retention < keep:
        advice = f"keep {keep.days} days or more: a replay can then mend all that minutes hold"
        yield warn("topics", f"{text}, kept for {log.retention}", advice)
    else:
        yield ok("topics", f"{text}, kept for {_kept(log.retention)}")
    others = {settings.dead_letter_topic, settings.worker_status_topic} - log.topics
    if others:
        yield ok("topics", f"{', '.join(sorted(others))}: made at the first message")


async def _read(settings: Settings, servers: str) -> Log:
    name = settings.shares_topic
    client = client_options(settings)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, **client)
    await admin.start()
    try:
        topics = frozenset(await admin.list_topics())
        # Asking for a topic that is not there would make it, where the broker is set to.
        known = await admin.describe_topics([name]) if name in topics else []
        retention = await _retention(admin, name) if known else None
    finally:
        await admin.close()
    every = [
        TopicPartition(name, each["partition"]) for topic in known for each in topic["partitions"]
    ]
    return Log(topics, await _bounds(servers, every, client), retention)


async def _bounds(servers: str, every: list[TopicPartition], client: Mapping[str, Any]) -> Bounds:
    if not every:  # a consumer without a partition does not even stop in good order
        return {}
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, **client)
    await consumer.start()
    try:
        consumer.assign(every)
        first = await consumer.beginning_offsets(every)
        end = await consumer.end_offsets(every)
    finally:
        await consumer.stop()
    return {each.partition: (first[each], end[each]) for each in every}


async def _retention(admin: AIOKafkaAdminClient, topic: str) -> timedelta | None:
    """None where the broker does not tell; below 0 where it keeps everything."""
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    except (KafkaError, OSError):
        return None
    entries = (entry for answer in answers for each in answer.resources for entry in each[4])
    for name, value, *_ in entries:
        if name == "retention.ms":
            return timedelta(milliseconds=min(int(value), 10**14))
    return None


def _stored(settings: Settings) -> list[Any]:
    with (
        pooler.reading(settings, application_name="hashgauge doctor") as (connection, _),
        connection.cursor(row_factory=namedtuple_row) as cursor,
    ):
        return cursor.execute(_SQL["partitions"].encode()).fetchall()


def _kept(retention: timedelta) -> str:
    return "good" if retention < timedelta() else str(retention)
