"""The local stack that is running: its addresses, for commands that were given none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import SecretStr

from deploy.local.postgres import running_url
from deploy.local.process import answers
from deploy.settings import settings as service
from deploy.settings.settings import Settings

LOCAL_DATABASE: Final = "hashgauge"


def load() -> Settings:
    """The settings of this process; addresses that are not set are those of the running stack."""
    settings = service.load()
    found: dict[str, object] = {
        "database_url": settings.database_url or _database(settings),
        "kafka_bootstrap_servers": settings.kafka_bootstrap_servers or _broker(settings),
    }
    if settings.database_url is None and settings.sealing_keys is None:
        found["sealing_keys"] = _sealing_key(settings)
    return settings.model_copy(update=found)


def postgres_dir(settings: Settings) -> Path:
    return settings.data_dir / "postgres"


def broker_file(settings: Settings) -> Path:
    """Holds the address of the stack's broker while that runs."""
    return settings.data_dir / "broker.address"


def sealing_key_file(settings: Settings) -> Path:
    """Holds the key that the stack's secrets are sealed with."""
    return settings.data_dir / "sealing_key"


def _sealing_key(settings: Settings) -> SecretStr | None:
    try:
        return SecretStr(sealing_key_file(settings).read_text().strip())
    except FileNotFoundError:
        return None


def _database(settings: Settings) -> SecretStr | None:
    url = running_url(postgres_dir(settings), LOCAL_DATABASE)
    return None if url is None else SecretStr(url)


def _broker(settings: Settings) -> str | None:
    try:
        address = broker_file(settings).read_text().strip()
    except FileNotFoundError:
        return None
    return address if answers(int(address.rpartition(":")[2])) else None
