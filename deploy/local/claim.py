"""One process at a time on a data directory."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from deploy.local.errors import AlreadyRunningError


def claim(folder: Path, *, by: str) -> IO[str]:
    """`folder` is this process's until the file is closed, or until the process ends. Nobody else
    on this machine may list it.

    AlreadyRunningError where another one holds it; `by` is the command that such a one was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Root's database runs as another user, who has to pass through.
    folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    lock = (folder / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise AlreadyRunningError(
            f"the data directory {folder} is in use by another `{by}` (process {holder}); "
            "stop that one first"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock
