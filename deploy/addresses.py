"""Where the database and the broker are: as the environment says, or those of the local stack."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.local.postgres import running_url
from deploy.local.process import answers
from deploy.overrides import SettingsError
from deploy.settings import Settings

LOCAL_DATABASE: Final = "hashgauge"


def postgres_dir(settings: Settings) -> Path:
    return settings.data_dir / "postgres"


def broker_file(settings: Settings) -> Path:
    """Holds the address of the local stack's broker while that runs."""
    return settings.data_dir / "broker.address"


def database_url(settings: Settings) -> str:
    """SettingsError where neither the environment nor a running local stack names one."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    local = running_url(postgres_dir(settings), LOCAL_DATABASE)
    if local is None:
        raise SettingsError("no database: set DATABASE_URL, or start the stack with `hashgauge up`")
    return local


def bootstrap_servers(settings: Settings) -> str:
    """SettingsError where neither the environment nor a running local stack names a broker."""
    if settings.kafka_bootstrap_servers:
        return settings.kafka_bootstrap_servers
    try:
        local = broker_file(settings).read_text().strip()
    except FileNotFoundError:
        local = ""
    if not local or not answers(int(local.rpartition(":")[2])):
        raise SettingsError(
            "no broker: set KAFKA_BOOTSTRAP_SERVERS, or start the stack with `hashgauge up`"
        )
    return local
