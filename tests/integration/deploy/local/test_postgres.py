"""The launcher of the embedded PostgreSQL: what survives, what is refused, what dies with us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from deploy.local.errors import AlreadyRunningError
from deploy.local.postgres import EmbeddedPostgres, running_url

pytestmark = pytest.mark.postgres


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """As root, pytest's folder is closed to the server's user: the launcher's detour is taken."""
    yield tmp_path / "postgres"
    shutil.rmtree(EmbeddedPostgres(tmp_path / "postgres").data_dir, ignore_errors=True)


def test_data_survives_a_kill_and_a_second_server_is_refused(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    server.start()
    try:
        with psycopg.connect(server.url()) as connection:
            connection.execute("create table kept as select 7 as n")
        with pytest.raises(AlreadyRunningError, match="runs already"):
            EmbeddedPostgres(data_dir).start()
        assert running_url(data_dir) == server.url()
        server.kill()
        assert running_url(data_dir) is None
        server.start()
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("select n from kept").fetchone() == (7,)
    finally:
        server.stop()


def test_a_password_is_asked_for(postgres_server: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(
            host="127.0.0.1", port=postgres_server.port, user="hashgauge", dbname="postgres"
        )


def test_the_server_dies_with_its_starter(data_dir: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; "
        "from deploy.local.postgres import EmbeddedPostgres; "
        "server = EmbeddedPostgres(Path(sys.argv[1]), durable=False); server.start(); "
        "print(server.pid, flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 20
    while _alive(pid):
        assert time.monotonic() < deadline, "PostgreSQL outlived its starter by 20 s"
        time.sleep(0.02)


def test_every_test_has_a_database_of_its_own(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) from workers").fetchone() == (0,)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
