"""The settings of a process, from its environment and from files; the only place that reads them.

`hashgauge settings` lists them all: those here, and every field of the rooms' own configurations
(`deploy/settings/overrides.py`).
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal, TypeVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.settings.overrides import PREFIX, Setting, SettingsError, apply, documented, type_text
from deploy.settings.sections import SECTIONS, WIRED, WIRED_INSIDE, section_class
from schemas import topics
from schemas.sealing import Seal

Config = TypeVar("Config")

_EMPTY: Final = "it is empty; leave it out to have none"
_SECRETS_DIR: Final = f"{PREFIX}SECRETS_DIR"
_POSTGRES: Final = ("postgresql://", "postgres://")
# An empty key would open everything, so it is refused instead.
_SECRETS: Final = (SecretStr, SecretStr | None)
_LINKS: Final = ("tcp://", "udp://", "sctp://")
# What Kubernetes and Docker's links set for a service whose name begins with ours.
_SERVICE_LINK: Final = re.compile(
    r"HASHGAUGE(_\w+)?_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?|PORT)"
)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """What `deploy` itself needs to know. Everything else belongs to a room."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="postgresql://user:password@host:port/name. Without it: the local stack's.",
    )
    kafka_bootstrap_servers: str | None = Field(
        None,
        validation_alias="KAFKA_BOOTSTRAP_SERVERS",
        description="host:port, several by commas. Without it: the local stack's.",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are spoken to: encrypted (SSL), logged in (SASL)."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the password is shown to them; PLAIN only with SSL."
    )
    kafka_username: str | None = Field(None, description="Needed with SASL, as is the password.")
    kafka_password: SecretStr | None = Field(None, description="Of that user.")
    kafka_ca_file: Path | None = Field(
        None,
        description="PEM file of the authority that signed the brokers' certificates. Without it: "
        "those that the system trusts.",
    )
    secrets_dir: Path | None = Field(
        None,
        description="Folder of files named like these settings in lower case (database_url, "
        "hashgauge_internal_api_key): their values. The environment goes first.",
    )
    host: str = Field(
        "127.0.0.1",
        description="Address of the API.",
    )
    port: int = Field(8080, ge=0, le=65_535, description="Port of the API.")
    internal_api_key: SecretStr | None = Field(
        None,
        description="Opens everything (X-Headframe-API-Key); at least 32 characters, "
        "`openssl rand -hex 32` makes one.",
    )
    sealing_keys: SecretStr | None = Field(
        None,
        description="Fernet keys, several by commas: secrets of webhooks and links are stored "
        "sealed with the first, opened with any. `hashgauge keys new-sealing-key` makes one.",
    )
    open_access: bool = Field(
        False,
        description="Let everybody on this machine in without a key: no access control, requests "
        "to a loopback address alone. For trying out; the local stack sets it.",
    )
    clock: Literal["wall", "records"] = Field(
        "wall",
        description="wall: live. records: stream time is that of the records alone, for replays.",
    )
    shares_topic: str = Field(topics.SHARES, description="Topic that shares come in on.")
    shares_partitions: int = Field(
        4,
        ge=1,
        description="Of a topic that is created; at most so many processes can take shares in.",
    )
    dead_letter_topic: str = Field(
        topics.DEAD_LETTERS, description="Where messages go that could not be counted."
    )
    worker_status_topic: str = Field(
        topics.WORKER_STATUS, description="Where changes of workers' status are published."
    )
    telegram_token: SecretStr | None = Field(
        None, description="Token of the bot; without it nothing goes to Telegram."
    )
    bitcoind_rpc_url: SecretStr | None = Field(
        None,
        validation_alias="BITCOIND_RPC_URL",
        description="http://user:password@host:port of a Bitcoin node (Core or btcd): blocks for "
        "rates, and where payouts are sent.",
    )
    bitcoind_ca_file: Path | None = Field(
        None, description="PEM file to trust for an https node, such as btcd's rpc.cert."
    )
    smtp_password: SecretStr | None = Field(
        None, description="Of HASHGAUGE_NOTIFY_EMAIL__USERNAME at the mail server."
    )
    monitor_host: str = Field(
        "127.0.0.1", description="Address of /metrics, /healthz and /readyz of an aggregator."
    )
    monitor_port: int = Field(
        9464, ge=0, le=65_535, description="Their port; 0 turns them off. 9464 is Prometheus' own."
    )
    http_monitor_port: int = Field(
        0,
        ge=0,
        le=65_535,
        description="The same of an API and a gateway, whose public ports have no /metrics. "
        "0: none.",
    )
    public_metrics: bool = Field(
        False, description="Serve /metrics on the ports of the API and the gateway all the same."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: for people at a terminal, JSON lines elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="One flush a second is two lines a second at debug."
    )
    traces_endpoint: str | None = Field(
        None,
        description="Where traces (requests, flushes, cycles, deliveries) go by OTLP over HTTP, "
        "such as http://127.0.0.1:4318/v1/traces. Without it there are none.",
    )
    data_dir: Path = Field(
        Path(".hashgauge"),
        description="What the local stack keeps: its database, logs and feed positions.",
    )

    @field_validator("database_url")
    @classmethod
    def _address_of_postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            address = value.get_secret_value()
            if not address.startswith(_POSTGRES):
                raise ValueError("it must begin with postgresql://")
            try:
                conninfo_to_dict(address)
            except ProgrammingError:  # its words would show the password
                raise ValueError("libpq cannot read it; is a special character unquoted?") from None
        return value

    @field_validator("sealing_keys")
    @classmethod
    def _fernet(cls, value: SecretStr | None) -> SecretStr | None:
        Seal(_keys_of(value))
        return value

    @field_validator(
        "internal_api_key", "sealing_keys", "kafka_password", "telegram_token", "smtp_password"
    )
    @classmethod
    def _no_empty_secret(cls, value: SecretStr | None) -> SecretStr | None:
        """A key of no characters would be known to everybody."""
        if value is not None and not value.get_secret_value().strip():
            raise ValueError(_EMPTY)
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _nothing_is_none(cls, value: object, info: ValidationInfo) -> object:
        """An empty variable is a setting that is not there, as in an EnvironmentFile's `NAME=`."""
        field = cls.model_fields[str(info.field_name)]
        return field.default if value == "" and field.annotation not in _SECRETS else value

    @field_validator("port", "monitor_port", mode="before")
    @classmethod
    def _no_link(cls, value: object, info: ValidationInfo) -> object:
        """Kubernetes sets HASHGAUGE_PORT=tcp://10.0.0.1:80 if a service is called hashgauge."""
        if isinstance(value, str) and value.startswith(_LINKS):
            return cls.model_fields[str(info.field_name)].default
        return value

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK

    def sealing(self) -> tuple[str, ...]:
        return _keys_of(self.sealing_keys)

    def seal(self) -> Seal:
        return Seal(self.sealing())

    def configured(self, section: str, config: Config) -> Config:
        """`config` with the changes that the environment, or a file of a secret, makes to it."""
        return apply(section, config, _secret_files(self.secrets_dir) | dict(os.environ))


def _keys_of(value: SecretStr | None) -> tuple[str, ...]:
    text = "" if value is None else value.get_secret_value()
    return tuple(key.strip() for key in text.split(",") if key.strip())


def load() -> Settings:
    """The settings of this process. SettingsError for a bad value or an unknown name of ours."""
    try:
        settings = Settings(_secrets_dir=_secrets_dir(os.environ))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"{PREFIX}{name.upper()}"
        words = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{variable}: {words}") from None
    _refuse_unknown(os.environ)
    _refuse_unknown(_secret_files(settings.secrets_dir))
    return settings


def _secrets_dir(environment: Mapping[str, str]) -> Path | None:
    """SettingsError for a folder that is not there: its secrets would be missed one by one."""
    text = environment.get(_SECRETS_DIR)
    if not text:
        return None
    if not Path(text).is_dir():
        raise SettingsError(f"{_SECRETS_DIR}={text} is no folder")
    return Path(text)


def _secret_files(folder: Path | None) -> dict[str, str]:
    """Files of secrets inside a room's configuration, by the variables that they stand for."""
    if folder is None:
        return {}
    found = {
        file.name.upper(): file.read_text().strip() for file in folder.glob(f"{PREFIX.lower()}*__*")
    }
    for variable, value in found.items():
        if not value:
            raise SettingsError(f"{variable}: {_EMPTY}")
    return found


def all_settings() -> Iterator[Setting]:
    """Every setting there is, in the order a reader would want them."""
    yield from _own_settings()
    for section in SECTIONS:
        yield from _section_settings(section)


def _own_settings() -> Iterator[Setting]:
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"{PREFIX}{name.upper()}"
        takes = type_text(field.annotation)
        yield Setting(variable, takes, field.default, field.description or "")


def _section_settings(section: str) -> Iterator[Setting]:
    for setting in documented(section, section_class(section)):
        if setting.variable not in WIRED and not setting.variable.startswith(WIRED_INSIDE):
            yield setting


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    """A setting that nobody reads is a typing error that would be noticed too late."""
    own = {setting.variable for setting in _own_settings()}
    for name, value in environment.items():
        if _SERVICE_LINK.fullmatch(name) and (
            not name.endswith("_PORT") or value.startswith(_LINKS) or "_SERVICE_" in name
        ):
            continue
        if name.startswith(PREFIX) and name not in own:
            section = name.removeprefix(PREFIX).partition("__")[0].lower()
            inside = _section_settings(section) if section in SECTIONS else all_settings()
            known = [setting.variable for setting in inside]
            if name not in known:
                close = difflib.get_close_matches(name, [*own, *known], n=1)
                hint = f"; did you mean {close[0]}?" if close else "; see `hashgauge settings`"
                raise SettingsError(f"{name} is no setting{hint}")
