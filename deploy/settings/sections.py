"""Which configuration of which room stands behind which prefix of settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

# By name: a command that only asks for the database's address need not load all the rooms.
SECTIONS: Final[Mapping[str, str]] = {
    "intake": "aggregator.intake.config:IntakeConfig",
    "consumer": "ingest.kafka.consumer:ConsumerConfig",
    "decode": "ingest.decode.decoder:DecodeConfig",
    "dead_letters": "ingest.dead_letters.sink:DeadLetterConfig",
    "figures": "aggregator.figures.config:FiguresConfig",
    "retention": "aggregator.figures.rollups.retention:Policies",
    "notify": "aggregator.notify.config:NotifyConfig",
    "notify_kafka": "aggregator.notify.config:KafkaConfig",
    "notify_telegram": "aggregator.notify.config:TelegramConfig",
    "notify_email": "aggregator.notify.config:EmailConfig",
    "chain": "aggregator.chain.config:ChainConfig",
    "settlement": "aggregator.settlement.config:SettlementConfig",
    "payouts": "aggregator.payouts.config:PayoutsConfig",
    "gateway": "ingest.gateway.config:GatewayConfig",
    "api": "query_api.config:ApiConfig",
    "simulator": "ingest.simulator.config:SimulatorConfig",
}

# Said once elsewhere (HASHGAUGE_CLOCK, HASHGAUGE_RETENTION__..., the topics), or known by `deploy`.
WIRED: Final = (
    "HASHGAUGE_INTAKE__OWNER",
    "HASHGAUGE_INTAKE__CLOCK",
    "HASHGAUGE_INTAKE__MINUTES_KEPT_S",
    "HASHGAUGE_CONSUMER__BOOTSTRAP_SERVERS",
    "HASHGAUGE_CONSUMER__TOPIC",
    "HASHGAUGE_CONSUMER__CREATE_PARTITIONS",
    "HASHGAUGE_CONSUMER__CLIENT",
    "HASHGAUGE_DECODE__TIMES__LATE_MS",
    "HASHGAUGE_DEAD_LETTERS__TOPIC",
    "HASHGAUGE_FIGURES__CLOCK",
    "HASHGAUGE_FIGURES__HOLDER",
    "HASHGAUGE_NOTIFY__HOLDER",
    "HASHGAUGE_SETTLEMENT__HOLDER",
    "HASHGAUGE_NOTIFY__RATE_SPAN_S",
    "HASHGAUGE_NOTIFY__KAFKA",
    "HASHGAUGE_NOTIFY__TELEGRAM",
    "HASHGAUGE_NOTIFY__EMAIL",
    "HASHGAUGE_NOTIFY_EMAIL__PASSWORD",
    "HASHGAUGE_NOTIFY_KAFKA__BOOTSTRAP_SERVERS",
    "HASHGAUGE_NOTIFY_KAFKA__TOPIC",
    "HASHGAUGE_NOTIFY_KAFKA__CLIENT",
    "HASHGAUGE_PAYOUTS__NETWORK",
    "HASHGAUGE_API__DATABASE__SCHEMA_VERSION",
    "HASHGAUGE_API__ACCESS__REQUIRED",
    "HASHGAUGE_API__ACCESS__INTERNAL_API_KEY",
    "HASHGAUGE_API__MONEY__NETWORK",
    "HASHGAUGE_API__SEALING_KEYS",
    "HASHGAUGE_NOTIFY__WEBHOOKS__SEALING_KEYS",
    "HASHGAUGE_API__CHARTS__MINUTES_S",
    "HASHGAUGE_API__CHARTS__QUARTERS_S",
    "HASHGAUGE_API__CHARTS__HOURS_S",
)
WIRED_INSIDE: Final = ("HASHGAUGE_FIGURES__POLICIES__",)

# What an operator decides: who may what, how long things are kept, when a worker is silent, limits
# on what strangers may make. The rooms' other fields are tuning: measured, and seldom touched.
OPERATOR: Final = (
    "HASHGAUGE_INTAKE__CREATE_ACCOUNTS",
    "HASHGAUGE_INTAKE__DEFAULT_POOL_TITLE",
    "HASHGAUGE_INTAKE__MINERS_LIMIT",
    "HASHGAUGE_INTAKE__WORKERS_PER_MINER",
    "HASHGAUGE_INTAKE__SOURCES_LIMIT",
    "HASHGAUGE_CONSUMER__GROUP_ID",
    "HASHGAUGE_CONSUMER__CREATE_",
    "HASHGAUGE_DEAD_LETTERS__CREATE_",
    "HASHGAUGE_DEAD_LETTERS__LIMIT",
    "HASHGAUGE_FIGURES__CYCLE_S",
    "HASHGAUGE_FIGURES__STATUS__",
    "HASHGAUGE_RETENTION__LATENESS",
    "HASHGAUGE_RETENTION__KEEP_",
    "HASHGAUGE_RETENTION__QUARTER__KEEP",
    "HASHGAUGE_RETENTION__HOUR__KEEP",
    "HASHGAUGE_RETENTION__DAY__KEEP",
    "HASHGAUGE_NOTIFY__WEBHOOKS__ALLOW_PRIVATE",
    "HASHGAUGE_NOTIFY__WEBHOOKS__CA_FILE",
    "HASHGAUGE_NOTIFY__WEBHOOKS__GIVE_UP_S",
    "HASHGAUGE_NOTIFY__WEBHOOKS__KEEP_S",
    "HASHGAUGE_NOTIFY_KAFKA__PARTITIONS",
    "HASHGAUGE_NOTIFY_KAFKA__REPLICATION_FACTOR",
    "HASHGAUGE_NOTIFY_TELEGRAM__BASE_URL",
    "HASHGAUGE_NOTIFY_EMAIL__",
    "HASHGAUGE_API__BASE_PATH",
    "HASHGAUGE_API__ACCESS__KRATOS__",
    "HASHGAUGE_API__ACCESS__INTERCOM_SECRET",
    "HASHGAUGE_API__LIMITS__",
    "HASHGAUGE_API__HTTP__ALLOWED_HOSTS",
    "HASHGAUGE_API__HTTP__CORS_ORIGINS",
    "HASHGAUGE_API__HTTP__ACCESS_LOG",
    "HASHGAUGE_GATEWAY__ACCESS_LOG",
    "HASHGAUGE_API__TELEGRAM__",
    "HASHGAUGE_API__BOUNDARY__",
    "HASHGAUGE_API__REPORTS__MAX_DAYS",
    "HASHGAUGE_API__ALLOW_PRIVATE_WEBHOOKS",
    "HASHGAUGE_API__MONEY__",
    "HASHGAUGE_API__PEOPLE__",
    "HASHGAUGE_CHAIN__",
    "HASHGAUGE_SETTLEMENT__",
    "HASHGAUGE_PAYOUTS__",
)


def is_tuning(variable: str) -> bool:
    """Whether `hashgauge settings` shows it only when asked for tuning."""
    own = not any(variable.startswith(f"HASHGAUGE_{name.upper()}__") for name in SECTIONS)
    return not (own or variable.startswith(OPERATOR))


def section_class(section: str) -> type[Any]:
    """The configuration behind a section; KeyError for an unknown one."""
    module, _, name = SECTIONS[section].partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
