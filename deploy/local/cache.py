"""Programs that are gathered or built once and kept outside the tree, keyed by what pins them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path


def cached_folder(name: str, pins: Sequence[Path], fill: Callable[[Path], None]) -> Path:
    """The cache's folder of this name and these pins; `fill` makes it if it is not there yet.

    It is filled beside its final place, then renamed, so it is whole or not there. Of several
    processes at once one fills, which takes minutes of two cores for a Go program; the others wait.
    """
    digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()[:12]
    folder = _cache() / f"{name}-{digest}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        # The kernel frees it when its process ends, however it ends.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            partial = Path(scratch) / "partial"
            partial.mkdir()
            fill(partial)
            partial.rename(folder)
    return folder


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hashgauge"
