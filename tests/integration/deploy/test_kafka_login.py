"""A Kafka that wants encryption and a password: every client of ours speaks to it by the settings.

The node's second listener, meant for a proxy, stands for such a broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.checks.broker import check_broker
from deploy.checks.doctor import Level
from deploy.cli import app
from deploy.local.kafka import node
from deploy.local.process import free_port
from deploy.settings.overrides import SettingsError
from deploy.settings.settings import Settings, load
from deploy.wiring.aggregator import publisher_config, share_sink_config
from deploy.wiring.kafka_client import client_options, consumer_config
from ingest.dead_letters.letter import dead_letters_of
from ingest.dead_letters.sink import DeadLetterConfig, KafkaDeadLetterSink
from ingest.decode.invalid import InvalidMessage
from ingest.kafka.consumer import ShareConsumer
from ingest.kafka.producer import KafkaShareSink
from ingest.kafka.record import PlainRecord
from schemas.topics import InvalidReason
from tests.fixtures.certificates import Authority

PASSWORD = "hidden-password"

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "pool")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[str]:
    """The address of a broker that takes SASL_SSL only."""
    port = free_port()
    listener = "listener.name.proxied"
    jaas = (
        "org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'user_hashgauge="{PASSWORD}";'
    )
    open_map = node._SINGLE_NODE["listener.security.protocol.map"]
    with pytest.MonkeyPatch.context() as patch:
        changes = {
            "listener.security.protocol.map": open_map.replace(
                "PROXIED:PLAINTEXT", "PROXIED:SASL_SSL"
            ),
            f"{listener}.sasl.enabled.mechanisms": "PLAIN",
            f"{listener}.plain.sasl.jaas.config": jaas,
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(authority.pem("127.0.0.1")),
        }
        patch.setattr(node, "_SINGLE_NODE", node._SINGLE_NODE | changes)
        kafka = node.KafkaNode(tmp_path_factory.mktemp("kafka"), proxied_port=port)
        kafka.behind_proxy_port = port
        kafka.start()
        yield f"127.0.0.1:{port}"
        kafka.stop()


@pytest.fixture
def settings(guarded: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {
        "KAFKA_BOOTSTRAP_SERVERS": guarded,
        "HASHGAUGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "HASHGAUGE_KAFKA_SASL_MECHANISM": "PLAIN",
        "HASHGAUGE_KAFKA_USERNAME": "hashgauge",
        "HASHGAUGE_KAFKA_PASSWORD": PASSWORD,
        "HASHGAUGE_KAFKA_CA_FILE": str(authority.ca_file),
    }.items():
        monkeypatch.setenv(name, value)
    return load()


def hashgauge(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


async def test_every_client_logs_in(settings: Settings) -> None:
    async with KafkaShareSink(share_sink_config(settings)) as sink:
        assert await sink.partitions() == settings.shares_partitions
    config = consumer_config(settings)
    assert await ShareConsumer(config).cluster_id()
    await send_a_dead_letter(settings)
    found = await check_broker(settings, config.bootstrap_servers, has_database=False)
    assert {each.level for each in found} == {Level.OK}
    kafka = publisher_config(settings).kafka
    assert kafka is not None
    assert kafka.client.keys() == client_options(settings).keys()


def test_the_commands_log_in(settings: Settings) -> None:
    asyncio.run(send_a_dead_letter(settings))
    assert "malformed_json shares/0/0: no JSON" in hashgauge("dead-letters", "list").output
    assert "sent again, 0 not" in hashgauge("dead-letters", "replay").output
    asked = hashgauge("offsets", "reset", "--where", "latest")
    assert "partition 3: go on at" in asked.output


async def send_a_dead_letter(settings: Settings) -> None:
    config = consumer_config(settings)
    sink = KafkaDeadLetterSink(DeadLetterConfig(config.bootstrap_servers), config.client)
    async with KafkaShareSink(share_sink_config(settings)), sink:
        invalid = InvalidMessage(0, InvalidReason.MALFORMED_JSON, "no JSON")
        await sink.send(dead_letters_of([invalid], [PlainRecord(b"{")]))


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("HASHGAUGE_KAFKA_PASSWORD", "SASL_SSL needs HASHGAUGE_KAFKA_USERNAME and"),
        ("HASHGAUGE_KAFKA_CA_FILE", "HASHGAUGE_KAFKA_CA_FILE=/no/such.pem: No such file"),
    ],
)
def test_what_is_missing_is_named(
    variable: str, words: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    field = variable.removeprefix("HASHGAUGE_").lower()
    lacking = None if field == "kafka_password" else Path("/no/such.pem")
    with pytest.raises(SettingsError, match=words):
        client_options(settings.model_copy(update={field: lacking}))
