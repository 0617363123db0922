"""How the clients of this process reach Kafka: its address, encryption, log-in, and the topic."""

from __future__ import annotations

from typing import Any

from deploy.settings.addresses import bootstrap_servers
from deploy.settings.overrides import SettingsError
from deploy.settings.settings import Settings
from ingest.kafka.consumer import ConsumerConfig


def consumer_config(settings: Settings) -> ConsumerConfig:
    """How shares are read, by intake and by the commands."""
    config = ConsumerConfig(
        bootstrap_servers(settings),
        topic=settings.shares_topic,
        create_partitions=settings.shares_partitions,
        client=client_options(settings),
    )
    return settings.configured("consumer", config)


def client_options(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client is given beside the address; nothing for an open broker.

    SettingsError for a log-in without a name, or a file of certificates that cannot be read.
    """
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {}
    if protocol != "PLAINTEXT":
        options["security_protocol"] = protocol
    if protocol.startswith("SASL_"):
        options |= _log_in(settings)
    if protocol.endswith("SSL"):
        options["ssl_context"] = _trust(settings)
    return options


def _log_in(settings: Settings) -> dict[str, Any]:
    if settings.kafka_username is None or settings.kafka_password is None:
        raise SettingsError(
            f"HASHGAUGE_KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol} needs "
            "HASHGAUGE_KAFKA_USERNAME and HASHGAUGE_KAFKA_PASSWORD"
        )
    return {
        "sasl_mechanism": settings.kafka_sasl_mechanism,
        "sasl_plain_username": settings.kafka_username,
        "sasl_plain_password": settings.kafka_password.get_secret_value(),
    }


def _trust(settings: Settings) -> Any:
    from aiokafka.helpers import create_ssl_context

    try:
        return create_ssl_context(cafile=settings.kafka_ca_file)
    except OSError as error:  # SSLError is one, too
        raise SettingsError(
            f"HASHGAUGE_KAFKA_CA_FILE={settings.kafka_ca_file}: {error.strerror or error}"
        ) from None
