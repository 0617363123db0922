"""Programs in Java: jars that Maven gathers as a pinned `pom.xml` says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from deploy.local.errors import LocalStackError

_HINT: Final = "run `make system-deps`, or set KAFKA_BOOTSTRAP_SERVERS to a Kafka that you have"


def java() -> str:
    """Path of a Java; LocalStackError if there is none."""
    return _tool("java", "Java 17 or later (Debian: openjdk-17-jre-headless)")


def gather_jars(pom: Path, folder: Path) -> None:
    """Copy what `pom` depends on into `folder`. LocalStackError if Maven cannot get it."""
    maven = _tool("mvn", "Maven (Debian: maven)")
    result = subprocess.run(  # noqa: S603 - a program of the machine, no shell
        [
            *(maven, "--batch-mode", "--quiet", "--file", str(pom)),
            *("dependency:copy-dependencies", "-DincludeScope=runtime"),
            f"-DoutputDirectory={folder}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise LocalStackError(f"Maven could not get {pom}: {_first_error(result.stdout)}")


def _tool(name: str, meaning: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise LocalStackError(f"no {meaning} on this machine: {_HINT}")
    return path


def _first_error(output: str) -> str:
    lines = [line for line in output.splitlines() if "ERROR" in line]
    return lines[0][:300] if lines else output.strip()[-300:]
