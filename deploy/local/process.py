"""Starting and stopping servers as children that never outlive us."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

_CHILD: Final = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class User:
    """Whom a server runs as; PostgreSQL refuses to run as root."""

    uid: int
    gid: int


def unprivileged() -> User | None:
    """The user that root's servers run as; None where we are not root and nothing changes."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return User(entry.pw_uid, entry.pw_gid)


def reachable(path: Path, user: User) -> bool:
    """Whether `user`, who owns nothing, may pass every folder on the way to `path`."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


def spawn(
    program: Sequence[str],
    *,
    log: IO[bytes] | int,
    on_death: signal.Signals = signal.SIGTERM,
    user: User | None = None,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[bytes] | int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `program` in a session of its own: a Ctrl-C at the terminal does not reach it.

    It gets `on_death` when the thread that called this ends, so call it from the main thread.
    """
    options = ["--signal", on_death.name.removeprefix("SIG"), "--starter", str(os.getpid())]
    if user is not None:
        options += ["--uid", str(user.uid), "--gid", str(user.gid)]
    return subprocess.Popen(  # noqa: S603 - programs of ours, no shell
        [sys.executable, "-I", "-S", str(_CHILD), *options, "--", *program],
        stdin=subprocess.PIPE,
        stdout=log if stdout is None else stdout,
        stderr=log,
        cwd=cwd,
        env=None if env is None else dict(env),
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes], number: signal.Signals, *, wait_s: float = 20.0) -> int:
    """Ask `process` to end, insist after `wait_s`, and return its exit code."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    return process.returncode


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether someone listens on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
