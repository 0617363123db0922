"""Where the database and the broker are, for whoever connects."""

from __future__ import annotations

from deploy.settings.database_address import psycopg_address
from deploy.settings.overrides import SettingsError
from deploy.settings.settings import Settings


def database_url(settings: Settings) -> str:
    """The database for psycopg: sessions start with the settings that our statements rely on.

    SettingsError if there is none.
    """
    return psycopg_address(server_url(settings))


def server_url(settings: Settings) -> str:
    """The database's address as it was given. SettingsError if there is none."""
    if settings.database_url is None:
        raise SettingsError("no database: set DATABASE_URL, or start the stack with `hashgauge up`")
    return settings.database_url.get_secret_value()


def bootstrap_servers(settings: Settings) -> str:
    """The broker. SettingsError if there is none."""
    if not settings.kafka_bootstrap_servers:
        raise SettingsError(
            "no broker: set KAFKA_BOOTSTRAP_SERVERS, or start the stack with `hashgauge up`"
        )
    return settings.kafka_bootstrap_servers
