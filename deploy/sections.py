"""Which configuration of which room stands behind which prefix of settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

# By name: a command that only asks for the database's address need not load all the rooms.
SECTIONS: Final[Mapping[str, str]] = {
    "intake": "aggregator.minutes.config:IntakeConfig",
    "consumer": "ingest.consumer:ConsumerConfig",
    "decode": "ingest.decode:DecodeConfig",
    "dead_letters": "ingest.dead_letter:DeadLetterConfig",
    "figures": "aggregator.figures.config:FiguresConfig",
    "retention": "aggregator.figures.policies:Policies",
    "notify": "aggregator.notify.config:NotifyConfig",
    "notify_kafka": "aggregator.notify.config:KafkaConfig",
    "notify_telegram": "aggregator.notify.config:TelegramConfig",
    "gateway": "ingest.gateway_config:GatewayConfig",
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
    "HASHGAUGE_NOTIFY__RATE_SPAN_S",
    "HASHGAUGE_NOTIFY__KAFKA",
    "HASHGAUGE_NOTIFY__TELEGRAM",
    "HASHGAUGE_NOTIFY_KAFKA__BOOTSTRAP_SERVERS",
    "HASHGAUGE_NOTIFY_KAFKA__TOPIC",
    "HASHGAUGE_NOTIFY_KAFKA__CLIENT",
    "HASHGAUGE_API__ACCESS__REQUIRED",
    "HASHGAUGE_API__ACCESS__INTERNAL_API_KEY",
)
WIRED_INSIDE: Final = ("HASHGAUGE_FIGURES__POLICIES__",)


def section_class(section: str) -> type[Any]:
    """The configuration behind a section; KeyError for an unknown one."""
    module, _, name = SECTIONS[section].partition(":")
    found: type[Any] = getattr(import_module(module), name)
    return found
