"""The peers' Python: an environment of its own, made once as `requirements.lock` pins it."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path
from typing import Final

from deploy.local.cache import cached_folder

_LOCK: Final = Path(__file__).with_name("requirements.lock")


def peers_python() -> Path:
    return cached_folder("bench-peers", [_LOCK], _install) / "bin" / "python"


def _install(folder: Path) -> None:
    venv.create(folder, with_pip=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--require-hashes", "-r", str(_LOCK)], check=True)
