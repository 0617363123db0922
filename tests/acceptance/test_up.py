"""`hashgauge up` as a person meets it: it says what works, refuses a second one, and goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import psycopg
import pytest

from deploy.local.postgres import EmbeddedPostgres, running_url
from deploy.local.process import answers, free_port
from tests.acceptance.processes import command, wait_until

pytestmark = pytest.mark.slow


class Up:
    """One `hashgauge up`, its output read as it comes."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self._output = folder / "up.out"
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"}
        }
        self._environment = environment | {"HASHGAUGE_MONITOR_PORT": str(free_port())}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command("up", "--workers", "20", "--port", str(port)),
                cwd=folder,
                env=self._environment,
                stdout=output,
                stderr=output,
            )

    def wait_for(self, words: str) -> None:
        wait_until(
            lambda: words in self.output(), f"it says {words!r}", self.check, timeout_s=180.0
        )

    def output(self) -> str:
        return self._output.read_text()

    def check(self) -> None:
        assert self.process.poll() is None, self.output()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.output()

    def second(self, *, port: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("up", "--port", str(port)),
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: the database's user must be able to enter it."""
    path = Path(tempfile.mkdtemp(prefix="hashgauge-up-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(EmbeddedPostgres(path / ".hashgauge" / "postgres").data_dir, ignore_errors=True)
    shutil.rmtree(path)


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    stack = Up(folder, free_port())
    yield stack
    if stack.process.poll() is None:
        stack.process.kill()
        stack.process.wait()


def test_it_starts_shows_figures_and_stops(up: Up) -> None:
    up.wait_for("Ctrl-C stops it")
    _wait_for_figures(up)
    _try_examples(up)
    _refuses_a_second_one(up)
    pids = _children(up.process.pid)
    assert len(pids) == 5, "database, broker, aggregator, api, simulator"
    up.interrupt()
    assert up.output().rstrip().endswith("stopped")
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert not answers(up.port)

    before = _last_minutes(up.folder)
    again = Up(up.folder, up.port)
    try:
        again.wait_for("Ctrl-C stops it")
        with psycopg.connect(_url(up.folder)) as connection:
            row = connection.execute("select count(*) from workers").fetchone()
        assert row == (20,), "the workers of the first start are still there, and no others"
        wait_until(
            lambda: _minutes_of(_url(up.folder)) > before, "new minutes come in", again.check
        )
    finally:
        again.interrupt()


def test_a_killed_child_is_started_again(up: Up) -> None:
    up.wait_for("Ctrl-C stops it")
    wait_until(lambda: _is_caught_up(_url(up.folder)), "the hours before are counted", up.check)
    aggregator = _child(up.process.pid, "aggregate")
    os.kill(aggregator, signal.SIGKILL)
    up.wait_for("aggregator ended with code -9; starting it again in 1 s")
    up.wait_for("aggregator runs again")
    broker = _child(up.process.pid, "deploy.local.broker")
    os.kill(broker, signal.SIGKILL)
    up.wait_for("broker runs again")
    newest, shares = _minutes_of(_url(up.folder))
    wait_until(lambda: _minutes_of(_url(up.folder))[0] > newest, "shares come in again", up.check)
    assert shares < _minutes_of(_url(up.folder))[1] < 1.5 * shares, "the hours before came once"
    up.interrupt()


def test_its_children_die_with_it(up: Up) -> None:
    up.wait_for("Ctrl-C stops it")
    pids = _children(up.process.pid)
    up.process.kill()
    up.process.wait()
    wait_until(lambda: not any(map(_alive, pids)), "the children are gone", timeout_s=60.0)


def _wait_for_figures(up: Up) -> None:
    with httpx2.Client(base_url=f"http://127.0.0.1:{up.port}") as client:
        wait_until(
            lambda: float(client.get("/api/backend/v0.1/pool/stats").json().get("hashrate", 0)) > 0,
            "the pool has a hashrate",
            up.check,
        )


def _try_examples(up: Up) -> None:
    addresses = re.findall(r"^curl '(.+)'$", up.output(), re.MULTILINE)
    assert len(addresses) == 4
    for address in addresses:
        assert httpx2.get(address).status_code == 200, address


def _refuses_a_second_one(up: Up) -> None:
    for port, words in (
        (up.port, f"port {up.port} on 127.0.0.1 is taken"),
        (free_port(), "is in use by another `hashgauge up`"),
    ):
        second = up.second(port=port)
        assert second.returncode == 1
        assert words in second.stderr
        assert "Traceback" not in second.stderr + second.stdout


def _url(folder: Path) -> str:
    url = running_url(folder / ".hashgauge" / "postgres", "hashgauge")
    assert url is not None
    return url


def _last_minutes(folder: Path) -> tuple[datetime, int]:
    """The newest minute in the database of a stack that is stopped."""
    server = EmbeddedPostgres(folder / ".hashgauge" / "postgres")
    server.start()
    try:
        return _minutes_of(server.url("hashgauge"))
    finally:
        server.stop()


def _minutes_of(url: str) -> tuple[datetime, int]:
    """The newest worker minute, and how many shares are in all of them."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select max(bucket), sum(accepted_count) from worker_minutes"
        ).fetchone()
    assert row is not None
    return (datetime.min.replace(tzinfo=UTC), 0) if row[0] is None else (row[0], int(row[1]))


def _is_caught_up(url: str) -> bool:
    return _minutes_of(url)[0] > datetime.now(UTC) - timedelta(minutes=2)


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _child(pid: int, word: str) -> int:
    for child in _children(pid):
        if word.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
            return child
    raise AssertionError(f"no child with {word}")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
