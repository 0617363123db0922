"""Runs `hashgauge` commands as a person would, and waits for what they should bring about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from deploy.database.roles import AGGREGATOR, API, NOTIFIER, OWNER
from deploy.local.process import free_port
from tests.fixtures.postgres import under

BASE = "/api/backend/v0.1"
# Everything else is a person's, as the owner.
ROLE_OF = {"serve": API, "aggregate": AGGREGATOR, "notify": NOTIFIER}


class Service:
    """Commands that share a database, a broker, a topic and a folder for logs."""

    def __init__(self, database_url: str, bootstrap: str, topic: str, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder
        self._environment = {
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "HASHGAUGE_SHARES_TOPIC": topic,
            "HASHGAUGE_DEAD_LETTER_TOPIC": f"{topic}.dead-letter",
            "HASHGAUGE_CONSUMER__GROUP_ID": topic,
            "HASHGAUGE_MONITOR_PORT": "0",
            "HASHGAUGE_CLOCK": "records",
            "HASHGAUGE_OPEN_ACCESS": "true",
        }

    def run(self, *arguments: str, timeout_s: float = 120.0) -> str:
        """A command that ends by itself; its output. Fails the test when the command fails."""
        done = subprocess.run(
            command(*arguments),
            env=self._environment_of(arguments[0]),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-2_000:]
        return done.stdout + done.stderr

    @contextmanager
    def running(self, *arguments: str, **settings: str) -> Iterator[Running]:
        """A command that runs until the block ends; then it must stop at SIGTERM, with code 0."""
        process = self.start(*arguments, **settings)
        try:
            yield process
            process.stop()
        finally:
            process.kill()

    def start(self, *arguments: str, **settings: str) -> Running:
        # A path among the arguments is no folder.
        log = self.folder / f"{'-'.join(arguments).replace('/', '_')}.log"
        return Running(arguments, self._environment_of(arguments[0]) | settings, log)

    def _environment_of(self, name: str) -> dict[str, str]:
        url = self.database_url
        # The one command of a superuser.
        own = url if name == "database-roles" else under(ROLE_OF.get(name, OWNER), url)
        return os.environ | self._environment | {"DATABASE_URL": own}

    @contextmanager
    def api(self) -> Iterator[httpx2.Client]:
        """The API on a free port, once it is ready."""
        port = free_port()
        with (
            self.running("serve", "--port", str(port)) as process,
            httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client,
        ):
            wait_until(lambda: answers(client, "/readyz"), "the API is ready", process.check)
            yield client

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement.encode(), parameters).fetchall()

    def value(self, statement: str, *parameters: Any) -> Any:
        return self.query(statement, *parameters)[0][0]


class Running:
    """One process; `check` fails the test when it has ended."""

    def __init__(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path
    ) -> None:
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command(*arguments), env=environment, stdout=output, stderr=output
            )

    def check(self) -> None:
        assert self.process.poll() is None, self.log()[-3000:]

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.check()
        self.process.send_signal(number)
        assert self.process.wait(60) == 0, self.log()[-3000:]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "deploy.cli", *arguments]


def answers(client: httpx2.Client, path: str) -> bool:
    try:
        return client.get(path).status_code == 200
    except httpx2.TransportError:
        return False


def wait_until(
    condition: Callable[[], bool],
    what: str,
    check: Callable[[], None] = lambda: None,
    *,
    timeout_s: float = 120.0,
) -> None:
    """Until `condition` holds; `check` may fail earlier, when it cannot hold any more."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        check()
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s until {what}"
        time.sleep(0.05)
