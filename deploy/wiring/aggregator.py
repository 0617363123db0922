"""The aggregator's services: intake (stage 1), figures (stage 2), the publisher of events."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from aggregator.figures.config import FiguresConfig
from aggregator.figures.leader import FiguresLeader
from aggregator.figures.rollups.retention import Policies
from aggregator.intake.config import IntakeConfig
from aggregator.intake.loop import Intake, IntakeParts
from aggregator.notify.config import EmailConfig, KafkaConfig, NotifyConfig, TelegramConfig
from aggregator.notify.outbox import configure
from aggregator.notify.publisher import Publisher
from deploy.process.bounded_http import http_config
from deploy.process.garbage import collect_seldom
from deploy.process.runtime import Service, http_service
from deploy.process.telemetry import Check
from deploy.settings.addresses import bootstrap_servers, database_url
from deploy.settings.open_api import refuse_open_api
from deploy.settings.settings import Settings
from deploy.wiring.kafka_client import client_options, consumer_config
from deploy.wiring.public import guarded
from ingest.dead_letters.limit import DeadLetterLimit
from ingest.dead_letters.sink import DeadLetterConfig, KafkaDeadLetterSink
from ingest.decode.decoder import DecodeConfig, Decoder
from ingest.gateway.app import create_gateway
from ingest.gateway.config import GatewayConfig
from ingest.gateway.idempotency import authenticate_by_hash, key_hash
from ingest.kafka.consumer import ShareConsumer
from ingest.kafka.producer import KafkaShareSink, SinkConfig
from schemas.runtime.clock import SystemClock
from schemas.runtime.metrics import start_at_zero

# A flush, the look-ups of names beside it, and one to spare.
_INTAKE_CONNECTIONS: Final = 3
# The leader's term, the renewal of its lease, and refreshes beside the cycles.
_FIGURES_CONNECTIONS: Final = 3
_DAY_S: Final = 86_400
# One per channel (five), the numbering, and the lease.
_PUBLISHER_CONNECTIONS: Final = 7
# How long one attempt waits for a connection before it says that the database is away.
_CONNECTION_TIMEOUT_S: Final = 5.0


def process_name(role: str) -> str:
    """Whom people find in the tables: role, host and process."""
    return f"{role}@{socket.gethostname()}:{os.getpid()}"


def pool(
    settings: Settings,
    name: str,
    *,
    connections: int,
    configure: Callable[[AsyncConnection[Any]], Awaitable[None]] | None = None,
) -> AsyncConnectionPool[Any]:
    """Opened by whoever enters it, without waiting for the server."""
    return AsyncConnectionPool(
        database_url(settings),
        min_size=1,
        max_size=connections,
        timeout=_CONNECTION_TIMEOUT_S,
        open=False,
        configure=configure,
        name=name,
        # A cut wire must not hold an attempt for the two minutes that are psycopg's default.
        kwargs={
            "application_name": f"hashgauge {name}",
            "connect_timeout": 5,
            # Our end of a cut wire; the server's own is pinned in `schemas.session`.
            "keepalives_idle": 15,
            "keepalives_interval": 5,
            "keepalives_count": 4,
            "tcp_user_timeout": 30_000,
        },
    )


def intake_service(settings: Settings, checks: MutableMapping[str, Check]) -> Service:
    """Stage 1 on a pool, a consumer and a sink for dead letters of its own."""
    policies = settings.configured("retention", Policies())
    config = dataclasses.replace(
        settings.configured("intake", IntakeConfig()),
        owner=process_name("intake"),
        clock=settings.clock,
        minutes_kept_s=round(policies.keep_minutes.total_seconds()),
    )
    config = dataclasses.replace(
        config, sequences_kept_s=max(config.sequences_kept_s, config.minutes_kept_s + _DAY_S)
    )
    decode = settings.configured("decode", DecodeConfig())
    times = dataclasses.replace(
        decode.times, late_ms=round(policies.lateness.total_seconds() * 1_000)
    )
    consumer = consumer_config(settings)
    letters = settings.configured(
        "dead_letters",
        DeadLetterConfig(consumer.bootstrap_servers, topic=settings.dead_letter_topic),
    )
    checks["intake"] = lambda: "starting"
    start_at_zero("shares_total", "dead_letters_total", "late_shares_total", "rebalances_total")

    async def run(stop: asyncio.Event) -> None:
        collect_seldom()
        async with (
            pool(settings, "intake", connections=_INTAKE_CONNECTIONS) as connections,
            KafkaDeadLetterSink(letters, consumer.client) as sink,
        ):
            parts = IntakeParts(
                pool=connections,
                consumer=ShareConsumer(consumer),
                dead_letters=sink,
                decoder=Decoder(dataclasses.replace(decode, times=times)),
                dead_letter_limit=DeadLetterLimit(letters.limit),
            )
            intake = Intake(config, parts)
            checks["intake"] = intake.monitor.why_not_ready
            await intake.run(stop)

    return run


def figures_service(settings: Settings, checks: MutableMapping[str, Check]) -> Service:
    """Stage 2: leads or stands by."""
    config = dataclasses.replace(
        settings.configured("figures", FiguresConfig()),
        holder=process_name("figures"),
        clock=settings.clock,
        policies=settings.configured("retention", Policies()),
    )
    checks["figures"] = lambda: "starting"
    start_at_zero("transitions_total", "source_events_total", "merged_rows_total")

    async def run(stop: asyncio.Event) -> None:
        async with pool(settings, "figures", connections=_FIGURES_CONNECTIONS) as connections:
            leader = FiguresLeader(config, connections, SystemClock())
            checks["figures"] = lambda: None if leader.ready else "rebuilding the windows"
            await leader.run(stop)

    return run


def publisher_config(settings: Settings) -> NotifyConfig:
    """The publisher's own settings with its channels and what the leader says."""
    token = settings.telegram_token
    config = settings.configured("notify", NotifyConfig(holder=process_name("publisher")))
    return dataclasses.replace(
        config,
        webhooks=dataclasses.replace(config.webhooks, sealing_keys=settings.sealing()),
        rate_span_s=settings.configured("figures", FiguresConfig()).status.rate_span_s,
        kafka=settings.configured(
            "notify_kafka",
            KafkaConfig(
                bootstrap_servers(settings),
                topic=settings.worker_status_topic,
                client=client_options(settings),
            ),
        ),
        telegram=None
        if token is None
        else settings.configured("notify_telegram", TelegramConfig(token.get_secret_value())),
        email=email_config(settings),
    )


def email_config(settings: Settings) -> EmailConfig | None:
    """None if no mail server is named."""
    password = settings.smtp_password
    config = settings.configured(
        "notify_email",
        EmailConfig(password="" if password is None else password.get_secret_value()),
    )
    return config if config.host else None


def publisher_service(settings: Settings) -> Service:
    """Numbers the events and sends them on: Kafka, webhooks, Telegram and e-mail if set."""
    config = publisher_config(settings)
    start_at_zero("deliveries_total")

    async def run(stop: asyncio.Event) -> None:
        async with pool(
            settings, "publisher", connections=_PUBLISHER_CONNECTIONS, configure=configure
        ) as connections:
            await Publisher(config, connections).run(stop)

    return run


def gateway_service(settings: Settings, *, host: str, port: int) -> Service:
    """The HTTP gateway for stratum servers, on a sink of its own."""
    key = settings.internal_api_key
    hosts = settings.model_copy(update={"host": host})
    refuse_open_api(hosts)
    sink_config = share_sink_config(settings)
    start_at_zero("gateway_shares_total")
    config = settings.configured("gateway", GatewayConfig())
    authenticate = (
        authenticate_by_hash([key_hash(key.get_secret_value())])
        if key is not None
        else lambda _key: True
    )

    async def run(stop: asyncio.Event) -> None:
        async with KafkaShareSink(sink_config) as sink:
            app = create_gateway(config, sink, authenticate)
            serve = http_service(
                http_config(guarded(app, settings), host=host, port=port),
                serves="gateway",
                port_from="--port",
            )
            await serve(stop)

    return run


def share_sink_config(settings: Settings) -> SinkConfig:
    """Where whatever writes shares puts them."""
    consumer = consumer_config(settings)
    return SinkConfig(
        consumer.bootstrap_servers,
        topic=consumer.topic,
        create_partitions=consumer.create_partitions,
        create_replication=consumer.create_replication,
        client=consumer.client,
    )
