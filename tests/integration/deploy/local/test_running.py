"""The running stack is found for each address that is not given."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import psycopg
import pytest

from deploy.local.postgres import EmbeddedPostgres
from deploy.local.running import broker_file, load, postgres_dir, sealing_key_file
from deploy.settings import settings as service
from tests.fixtures.server_folder import server_folder

pytestmark = pytest.mark.postgres

GIVEN_DATABASE = "postgresql://elsewhere.example/pool"
GIVEN_BROKER = "kafka.elsewhere.example:9092"


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the broker of a stack whose database runs as well."""
    for variable in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(variable, raising=False)
    with server_folder("stack") as data_dir:
        monkeypatch.setenv("HASHGAUGE_DATA_DIR", str(data_dir))
        settings = service.load()
        server = EmbeddedPostgres(postgres_dir(settings), durable=False)
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("create database hashgauge")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"127.0.0.1:{listener.getsockname()[1]}"
            broker_file(settings).write_text(address)
            sealing_key_file(settings).write_text("of the stack")
            yield address
        server.stop()


def is_the_stacks(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("select current_database()").fetchall() == [("hashgauge",)]


def test_each_address_that_is_missing_is_the_stacks(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = load()
    assert found.kafka_bootstrap_servers == broker
    assert found.database_url is not None
    assert is_the_stacks(found.database_url.get_secret_value())
    assert found.sealing_keys is not None

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", GIVEN_BROKER)
    found = load()
    assert found.kafka_bootstrap_servers == GIVEN_BROKER
    assert found.database_url is not None
    assert is_the_stacks(found.database_url.get_secret_value())

    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS")
    monkeypatch.setenv("DATABASE_URL", GIVEN_DATABASE)
    found = load()
    assert found.kafka_bootstrap_servers == broker
    assert found.database_url is not None
    assert found.database_url.get_secret_value() == GIVEN_DATABASE
    assert found.sealing_keys is None, "the stack's key seals the stack's database alone"
