"""Programs that are built once: whole or not there, by one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.cache import cached_folder

FILL = """
import sys, time
from pathlib import Path
from deploy.local.cache import cached_folder

def fill(folder):
    with open(sys.argv[1], "a") as log:
        print("filled", file=log, flush=True)
    print("filling", flush=True)
    time.sleep(float(sys.argv[2]))
    (folder / "program").write_text("whole")

print(cached_folder("program", [Path(sys.argv[3])], fill))
"""


def filling(log: Path, pin: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", FILL, str(log), str(seconds), str(pin)]
    environment = os.environ | {"XDG_CACHE_HOME": str(pin.parent)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


@pytest.fixture
def pin(tmp_path: Path) -> Path:
    pin = tmp_path / "go.sum"
    pin.write_text("pinned")
    return pin


def test_of_several_at_once_one_fills(tmp_path: Path, pin: Path) -> None:
    log = tmp_path / "log"
    several = [filling(log, pin, 0.5) for _ in range(3)]
    folders = {process.communicate()[0].split()[-1] for process in several}
    assert log.read_text() == "filled\n"
    assert [(Path(folder) / "program").read_text() for folder in folders] == ["whole"]


def test_another_one_fills_after_one_that_was_killed(
    tmp_path: Path, pin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = filling(tmp_path / "log", pin, 60)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "filling\n"
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cached_folder("program", [pin], lambda folder: (folder / "program").touch())
    assert (folder / "program").exists()


def test_a_fill_that_fails_leaves_nothing(
    tmp_path: Path, pin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def fail(folder: Path) -> None:
        (folder / "program").touch()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cached_folder("program", [pin], fail)
    assert not list((tmp_path / "hashgauge").glob("program-*/"))
