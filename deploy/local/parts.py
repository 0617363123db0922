"""The parts of the local stack: its servers, and the commands of `hashgauge` as children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.local.broker import EmbeddedBroker
from deploy.local.errors import LocalStackError
from deploy.local.kafka.node import KafkaNode
from deploy.local.kratos.node import KratosNode
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.process import end, spawn

# The first cycle rebuilds the windows; two cores that also install things take their time.
HEALTHY_TIMEOUT_S: Final = 60.0


class DatabasePart:
    """The embedded PostgreSQL, with the schema brought up to date after each start."""

    name = "database"
    moves = False

    def __init__(self, server: EmbeddedPostgres, prepare: Callable[[], None]) -> None:
        self._server = server
        self._prepare = prepare

    def start(self) -> None:
        self._server.start()
        self._prepare()

    def stop(self) -> None:
        self._server.stop()

    def ended(self) -> str | None:
        return None if self._server.running else "ended"


class BrokerPart:
    """The embedded broker or a real Kafka node; its address is written for other commands."""

    name = "broker"

    def __init__(self, broker: EmbeddedBroker | KafkaNode, address_file: Path) -> None:
        self._broker = broker
        self._file = address_file
        self.moves = isinstance(broker, EmbeddedBroker)

    def start(self) -> None:
        self._broker.start()
        self._file.write_text(self._broker.bootstrap_servers + "\n")

    def stop(self) -> None:
        self._file.unlink(missing_ok=True)
        self._broker.stop()

    def ended(self) -> str | None:
        return None if self._broker.running else "ended"


class IdentityPart:
    """Ory Kratos, where people sign in; `prepare` makes the first of them."""

    name = "identity"
    moves = False

    def __init__(self, node: KratosNode, prepare: Callable[[], None]) -> None:
        self._node = node
        self._prepare = prepare

    def start(self) -> None:
        self._node.start()
        self._prepare()

    def stop(self) -> None:
        self._node.stop()

    def ended(self) -> str | None:
        return None if self._node.running else "ended"


class CommandPart:
    """One `hashgauge` command as a child, its output in a log file."""

    moves = False

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        environment: Callable[[], Mapping[str, str]],
        log_path: Path,
        healthy_at: str | None = None,
        stop: threading.Event,
    ) -> None:
        """`healthy_at`: an address that answers 200 as soon as the part is of use."""
        self.name = name
        self._arguments = arguments
        self._environment = environment
        self._log_path = log_path
        self._healthy_at = healthy_at
        self._stop = stop
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log_path.open("ab") as log:
            self._process = spawn(
                [sys.executable, "-m", "deploy.cli", *self._arguments],
                log=log,
                env=os.environ | dict(self._environment()),
            )
        deadline = time.monotonic() + HEALTHY_TIMEOUT_S
        while self._healthy_at is not None and not _answers_ok(self._healthy_at):
            ended = self.ended()
            if ended is not None:
                raise LocalStackError(f"{self.name} {ended}")
            if time.monotonic() > deadline:
                raise LocalStackError(f"{self.name} is not ready; its log is {self._log_path}")
            if self._stop.wait(0.1):
                return

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, signal.SIGTERM, wait_s=30.0)
            self._process = None

    def ended(self) -> str | None:
        if self._process is None or self._process.poll() is None:
            return None
        words = _last_line(self._log_path)
        return f"ended with code {self._process.returncode}" + (f" ({words})" if words else "")


def _answers_ok(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2.0) as answer:  # noqa: S310 - ours, http
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _last_line(log_path: Path) -> str:
    """What the child said last, if it said it to people."""
    lines = log_path.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines and lines[-1].startswith("hashgauge: ") else ""
