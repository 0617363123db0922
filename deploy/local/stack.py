"""The local stack: which parts, in which order, on which data directory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import psycopg
from psycopg import sql

from aggregator.figures.rollups.retention import Policies
from deploy.database.migrate import migrate
from deploy.local.broker import EmbeddedBroker
from deploy.local.kafka.node import KafkaNode
from deploy.local.kratos.identity import LocalIdentity
from deploy.local.parts import BrokerPart, CommandPart, DatabasePart, IdentityPart
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.process import answers, free_port
from deploy.local.running import LOCAL_DATABASE, broker_file, postgres_dir, sealing_key_file
from deploy.local.supervisor import Part
from deploy.settings.overrides import PREFIX
from deploy.settings.settings import Settings
from schemas.runtime.named_sql import load
from schemas.sealing import new_sealing_key

SQL: Final = load("deploy", "sql/local.sql")

BrokerKind = Literal["embedded", "kafka"]
IdentityKind = Literal["none", "kratos"]

# An empty pool is dull to look at: the first start plays these hours first, and before them all of
# yesterday and of today, a minute of every five, so that a day is settled.
BACKFILL_H: Final = 2
HISTORY_STEP_S: Final = 300
# Days are settled this long after their end: who tries it out at night need not wait until 10:10.
_SETTLE_AFTER_S: Final = 120


@dataclass(frozen=True, slots=True)
class Options:
    """What `hashgauge up` was asked for; `workers=0` leaves the simulator out."""

    workers: int = 300
    broker: BrokerKind = "embedded"
    identity: IdentityKind = "none"


class LocalStack:
    """Knows the addresses of its parts once they have started."""

    def __init__(self, settings: Settings, options: Options, stop: threading.Event) -> None:
        self._settings = settings
        self._options = options
        self._stop = stop
        self._monitor_port = _free(settings.monitor_port)
        self._fresh = False
        self._postgres = EmbeddedPostgres(postgres_dir(settings))
        self._broker: EmbeddedBroker | KafkaNode = (
            EmbeddedBroker()
            if options.broker == "embedded"
            else KafkaNode(settings.data_dir / "kafka")
        )
        self.identity = (
            LocalIdentity(settings, dashboard=self.api) if options.identity == "kratos" else None
        )

    @property
    def database_url(self) -> str:
        given = self._settings.database_url
        return given.get_secret_value() if given else self._postgres.url(LOCAL_DATABASE)

    @property
    def bootstrap_servers(self) -> str:
        return self._settings.kafka_bootstrap_servers or self._broker.bootstrap_servers

    @property
    def api(self) -> str:
        host = self._settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._settings.port}"

    @property
    def monitor(self) -> str:
        return f"http://127.0.0.1:{self._monitor_port}"

    @property
    def logs(self) -> Path:
        return self._settings.data_dir / "logs"

    def parts(self) -> list[Part]:
        """In the order in which they start."""
        self.logs.mkdir(parents=True, exist_ok=True)
        parts: list[Part] = []
        if self._settings.database_url is None:
            parts.append(DatabasePart(self._postgres, self._prepare_database))
        else:
            self._prepare_database()
        if not self._settings.kafka_bootstrap_servers:
            parts.append(BrokerPart(self._broker, broker_file(self._settings)))
        if self.identity is not None:
            parts.append(IdentityPart(self.identity.node, self.identity.make_owner))
        parts.append(self._command("aggregator", "aggregate", healthy=f"{self.monitor}/readyz"))
        parts.append(self._command("api", "serve", healthy=f"{self.api}/readyz"))
        if self._options.workers:
            simulate = ("simulate", "--workers", str(self._options.workers))
            environment = self._simulator_environment
            parts.append(self._command("simulator", *simulate, environment=environment))
        return parts

    def _command(
        self,
        name: str,
        *arguments: str,
        environment: Callable[[], Mapping[str, str]] | None = None,
        healthy: str | None = None,
    ) -> CommandPart:
        return CommandPart(
            name,
            arguments,
            environment=environment or self._environment,
            log_path=self.logs / f"{name}.log",
            healthy_at=healthy,
            stop=self._stop,
        )

    def _simulator_environment(self) -> Mapping[str, str]:
        """The hours before now are played once: a simulator that is started again goes on."""
        fresh, self._fresh = self._fresh, False
        backfill = {
            f"{PREFIX}SIMULATOR__BACKFILL_S": str(BACKFILL_H * 3_600),
            f"{PREFIX}SIMULATOR__HISTORY_STEP_S": str(HISTORY_STEP_S),
        }
        return {**self._environment(), **(backfill if fresh else {})}

    def _environment(self) -> Mapping[str, str]:
        """What the children need to know; asked at each start, for a broker that moved."""
        return {
            "DATABASE_URL": self.database_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            f"{PREFIX}HOST": self._settings.host,
            f"{PREFIX}PORT": str(self._settings.port),
            f"{PREFIX}MONITOR_PORT": str(self._monitor_port),
            **(self.identity.environment() if self.identity is not None else {}),
            **self._money(),
            **self._sealing(),
            # The stack is for trying out, on this machine.
            f"{PREFIX}OPEN_ACCESS": "true",
            f"{PREFIX}PUBLIC_METRICS": "true",
        }

    def _money(self) -> Mapping[str, str]:
        """A made-up chain, unless a node is set; what the operator set counts."""
        if self._settings.bitcoind_rpc_url is not None:
            return {}
        made_up = {
            f"{PREFIX}CHAIN__SIMULATED": "true",
            f"{PREFIX}SETTLEMENT__SETTLE_AFTER_S": str(_SETTLE_AFTER_S),
            f"{PREFIX}SETTLEMENT__POLL_S": "5",
        }
        return {name: value for name, value in made_up.items() if name not in os.environ}

    def _sealing(self) -> Mapping[str, str]:
        """A key of its own for a database of its own, made at the first start."""
        if self._settings.sealing_keys is not None or self._settings.database_url is not None:
            return {}
        file = sealing_key_file(self._settings)
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(new_sealing_key() + "\n")
        return {f"{PREFIX}SEALING_KEYS": file.read_text().strip()}

    def _prepare_database(self) -> None:
        """Create and migrate it; notice whether it is new."""
        if self._settings.database_url is None:
            _create_database(self._postgres.url())
        migrate(self.database_url, self._settings.configured("retention", Policies()))
        with psycopg.connect(self.database_url) as connection:
            connection.execute(SQL["forget_embedded_partitions"].encode())
            connection.execute(SQL["forget_embedded_sequences"].encode())
            row = connection.execute(SQL["is_fresh"].encode()).fetchone()
        self._fresh = bool(row and row[0])


def _free(port: int) -> int:
    return free_port() if not port or answers(port) else port


def _create_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "select 1 from pg_database where datname = %s", (LOCAL_DATABASE,)
        ).fetchone()
        if not found:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(LOCAL_DATABASE)))
