"""Counting a topic anew: what must hold before minutes are deleted, and the rewind itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg import AsyncConnection

from aggregator.figures.minutes.reader import read_position
from aggregator.figures.rollups.retention import Policies
from aggregator.figures.rollups.store import open_rollups
from aggregator.intake.partitions.offsets import Stream
from aggregator.replay import rewind
from aggregator.replay.rewind import Limits, Rewound
from deploy.settings.settings import Settings
from deploy.wiring.kafka_client import consumer_config
from ingest.decode.decoder import DecodeConfig
from ingest.errors import FatalError
from ingest.kafka.consumer import ShareConsumer
from ingest.kafka.offsets_by_time import LogPlace, log_places

# A message that a producer sent twice must be met twice, or the second one counts; producers try
# again for minutes. Earlier first ones hold shares of before the replay only.
_PRIMING: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay would read: the stream, and by partition where its log passes the instant."""

    since: datetime
    stream: Stream
    places: dict[int, LogPlace]


async def plan(settings: Settings, connection: AsyncConnection[object], *, since: datetime) -> Plan:
    """Changes nothing. FatalError where the minutes from `since` on could not be made whole."""
    since = since.replace(second=0, microsecond=0)
    limits = await rewind.limits(connection)
    if limits is None:
        raise FatalError("nothing was counted yet")
    stream = await _followed(settings, limits)
    _check_minutes(limits, settings.configured("retention", Policies()), since)
    early = timedelta(milliseconds=settings.configured("decode", DecodeConfig()).times.early_ms)
    config = consumer_config(settings)
    places = await log_places(
        config.bootstrap_servers,
        config.topic,
        at_ms=_ms(since - early),
        prime_ms=_ms(since - early - _PRIMING),
        client=config.client,
    )
    cut = [number for number, place in places.items() if not place.whole]
    if cut:
        raise FatalError(
            f"the log of partitions {cut} no longer reaches back to {_text(since - early)}: shares "
            "that count now would be lost. Choose a later --from, or restore a backup"
        )
    await _check_origin(connection, places.values(), since, limits.stream_time or since)
    return Plan(since, stream, places)


async def begin(connection: AsyncConnection[object], plan: Plan) -> Rewound:
    """Delete the minutes and rewind. FatalError where things changed since `plan`."""
    if await rewind.progress(connection) is None:
        await _close_buckets(connection)
    return await rewind.rewind(connection, plan.stream, plan.places, since=plan.since)


async def _close_buckets(connection: AsyncConnection[object]) -> None:
    """Write the rollups of what is over: they stand while their minutes are counted anew."""
    rollups = await open_rollups(connection, Policies())
    watermark_s = (await read_position(connection)).watermark_s
    while watermark_s is not None and await rollups.settle(connection, watermark_s=watermark_s):
        pass


async def _check_origin(
    connection: AsyncConnection[object], places: Iterable[LogPlace], since: datetime, end: datetime
) -> None:
    """Minutes from before the log begins came from another one, of a topic that was made anew."""
    begins_ms = min((place.begins_ms for place in places if place.begins_ms), default=_ms(end))
    begins = datetime.fromtimestamp(begins_ms // 60_000 * 60, UTC)
    if since < begins and await rewind.counted_between(connection, since, begins):
        raise FatalError(
            f"the log holds nothing from before {_text(begins)}, and minutes before that are "
            "counted: it could not give them back. Choose a later --from"
        )


async def _followed(settings: Settings, limits: Limits) -> Stream:
    cluster = await ShareConsumer(consumer_config(settings)).cluster_id()
    here = Stream(cluster, settings.shares_topic)
    if here != Stream(limits.cluster_id, limits.topic):
        raise FatalError(
            f"the service follows topic {limits.topic} of cluster {limits.cluster_id}, not "
            f"{here.topic} of {here.cluster_id}"
        )
    return here


def _check_minutes(limits: Limits, policies: Policies, since: datetime) -> None:
    """Minutes that retention drops, and shares that intake takes for too late, can't come back."""
    if limits.stream_time is None or since >= limits.stream_time:
        raise FatalError(f"nothing was counted since {_text(since)}")
    oldest = limits.stream_time - policies.keep_minutes
    if limits.kept_from is not None:
        oldest = max(oldest, limits.kept_from)
    if since < oldest:
        raise FatalError(f"minutes are kept since {_text(oldest)} only: choose a later --from")


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
