"""Typed clients in three languages, made from the document by generators that people use.

Each generator is pinned by a lock file (its own, or that of the tests) and kept in the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.cache import cached_folder
from deploy.local.go import PINNED, go, go_program
from query_api.write_openapi import FILE

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent


def python_client(folder: Path) -> list[str]:
    """openapi-python-client, type-checked by mypy as its users would."""
    names = {"package_name_override": "hashgauge_client", "post_hooks": []}
    (folder / "settings.json").write_text(json.dumps(names))
    program = str(BIN / "openapi-python-client")
    said = run(
        [program, "generate", "--path", FILE, "--config", "settings.json", "--meta", "none"],
        folder,
    )
    # It leaves out what it does not understand, and says so.
    assert "WARNING" not in said.upper(), said
    shutil.copy(HERE / "python" / "round.py", folder)
    return [sys.executable, "round.py"]


def typescript_client(folder: Path) -> list[str]:
    """openapi-typescript and openapi-fetch, compiled with `strict`."""
    lock = HERE / "typescript" / "package-lock.json"
    shutil.copytree(HERE / "typescript", folder, dirs_exist_ok=True)
    installed = cached_folder("client-typescript", [lock], _install)
    (folder / "node_modules").symlink_to(installed / "node_modules")
    run(["node_modules/.bin/openapi-typescript", FILE, "-o", "schema.d.ts"], folder)
    run(["node_modules/.bin/tsc"], folder)
    return [_tool("node"), "built/round.js"]


def go_client(folder: Path) -> list[str]:
    """oapi-codegen."""
    package = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen"
    program = go_program(HERE / "go", package, cgo=False)
    shutil.copytree(HERE / "go", folder, dirs_exist_ok=True)
    (folder / "hashgauge").mkdir()
    said = run([program, "-config", "oapi-codegen.yaml", FILE], folder)
    assert "WARN" not in said.upper(), said
    run([go(), "build", "-o", "round", "."], folder)
    return ["./round"]


CLIENTS: dict[str, Callable[[Path], list[str]]] = {
    "python": python_client,
    "typescript": typescript_client,
    "go": go_client,
}


def run(command: Sequence[str | Path], folder: Path) -> str:
    """What the program says; a failing one fails the test with it."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | PINNED | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-4_000:]
    return said


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "typescript" / name, folder)
    run([_tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], folder)


def _tool(name: str) -> str:
    """Node of the environment (a wheel), else of the machine."""
    found = shutil.which(name, path=str(BIN)) or shutil.which(name)
    assert found, f"{name} is not installed"
    return found
