"""Kafka's jars: gathered once by Maven as the pinned `pom.xml` says, then kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from deploy.local.errors import LocalStackError

_POM: Final = Path(__file__).with_name("pom.xml")
_HINT: Final = "run `make system-deps`, or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that you have"


def java() -> str:
    """Path of a Java; LocalStackError where there is none."""
    return _tool("java", "Java 17 or later (Debian: openjdk-17-jre-headless)")


def jars() -> Path:
    """The folder that holds the jars, filled on first use (43 MB; about 10 s)."""
    digest = hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]
    folder = _cache() / f"kafka-{digest}"
    if not folder.exists():
        _gather(folder)
    return folder


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hashgauge"


def _gather(folder: Path) -> None:
    maven = _tool("mvn", "Maven (Debian: maven)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside its final place, then renamed: two test runs at once both end with a whole folder.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        partial = Path(scratch) / "jars"
        result = subprocess.run(  # noqa: S603 - a program of the machine, no shell
            [
                *(maven, "--batch-mode", "--quiet", "--file", str(_POM)),
                *("dependency:copy-dependencies", "-DincludeScope=runtime"),
                f"-DoutputDirectory={partial}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise LocalStackError(f"Maven could not get Kafka: {_first_error(result.stdout)}")
        try:
            partial.rename(folder)
        except OSError:  # the other run was faster
            if not folder.exists():
                raise


def _tool(name: str, meaning: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise LocalStackError(f"no {meaning} on this machine: {_HINT}")
    return path


def _first_error(output: str) -> str:
    lines = [line for line in output.splitlines() if "ERROR" in line]
    return lines[0][:300] if lines else output.strip()[-300:]
