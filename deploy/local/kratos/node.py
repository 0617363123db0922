"""One Ory Kratos on loopback, as a direct child: for the local stack and for tests."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local.errors import LocalStackError
from deploy.local.kratos.binary import kratos_binary
from deploy.local.process import end, free_port, spawn

# The tables of a new database take 8 s on a busy core.
START_TIMEOUT_S: Final = 60.0
COOKIE_NAME: Final = "ory_session_relaxedwescoffeywmz1r7og"

_HERE: Final = Path(__file__).parent
_CONFIG: Final = _HERE / "kratos.yml"
_SCHEMA: Final = _HERE / "identity.schema.json"


@dataclass(frozen=True, slots=True)
class Options:
    """What is not the same everywhere.

    dashboard     address of the pages that show Kratos' flows
    smtp          where Kratos sends its own mails (verification, recovery)
    in_memory     identities end with the process, and passwords are hashed quickly: for tests
    public_port   0: a free one
    """

    dashboard: str = "http://127.0.0.1:8080"
    smtp: str = "smtp://127.0.0.1:1025/?disable_starttls=true"
    in_memory: bool = False
    public_port: int = 0
    admin_port: int = 0


class KratosNode:
    """Owned by the process that started it, and gone when that ends. Its data survive."""

    def __init__(self, data_dir: Path, options: Options | None = None) -> None:
        self._data = data_dir.absolute()
        self._options = options or Options()
        self._public_port = self._options.public_port or free_port()
        self._admin_port = self._options.admin_port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def public_url(self) -> str:
        return f"http://127.0.0.1:{self._public_port}"

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self._admin_port}"

    @property
    def log_path(self) -> Path:
        return self._data / "server.log"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Bring its tables up to date and wait until it answers. The same addresses each time."""
        if self.running:
            return
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        config = ["-c", str(_CONFIG), "-c", str(self._write_config())]
        program = str(kratos_binary())
        with self.log_path.open("ab") as log:
            if not self._options.in_memory:
                migrate = [program, "migrate", "sql", "--yes", "--read-from-env"]
                subprocess.run(  # noqa: S603 - a program of ours, no shell
                    migrate, env=os.environ | {"DSN": self._dsn}, stdout=log, stderr=log, check=True
                )
            # --sqa-opt-out: it would report to its makers. --dev: cookies without TLS.
            serve = ["serve", "--sqa-opt-out", "--dev", "--watch-courier"]
            self._process = spawn([program, *serve, *config], log=log, cwd=self._data)
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        if self._process is not None:
            end(self._process, signal.SIGTERM)
            self._process = None

    def pause(self) -> None:
        """For fault tests: it is there and does not answer."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    @property
    def _dsn(self) -> str:
        if self._options.in_memory:
            return "memory"
        return f"sqlite://{self._data}/identities.sqlite?_fk=true&mode=rwc"

    def _write_config(self) -> Path:
        file = self._data / "kratos.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self._config(), indent=2))
        return file

    def _config(self) -> dict[str, Any]:
        pages = self._options.dashboard
        flows: dict[str, Any] = {
            name: {"ui_url": f"{pages}/sign-in/{name}"}
            for name in ("login", "registration", "recovery", "verification", "settings")
        }
        flows["logout"] = {"after": {"default_browser_return_url": f"{pages}/"}}
        cost = 4 if self._options.in_memory else 12
        return {
            "dsn": self._dsn,
            "serve": {
                "public": {
                    "base_url": f"{self.public_url}/",
                    "host": "127.0.0.1",
                    "port": self._public_port,
                    # The dashboard's pages call the flows from their own origin.
                    "cors": {
                        "enabled": True,
                        "allowed_origins": [pages],
                        "allow_credentials": True,
                        "allowed_headers": ["Content-Type", "X-CSRF-Token", "X-Session-Token"],
                    },
                },
                "admin": {
                    "base_url": f"{self.admin_url}/",
                    "host": "127.0.0.1",
                    "port": self._admin_port,
                },
            },
            "selfservice": {
                # It would ask another host about each new password.
                "methods": {"password": {"config": {"haveibeenpwned_enabled": False}}},
                "default_browser_return_url": f"{pages}/",
                "allowed_return_urls": [pages],
                "flows": flows,
            },
            "secrets": {"cookie": [self._secret("cookie")], "cipher": [self._secret("cipher")]},
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": cost}},
            "identity": {
                # Kratos takes absolute addresses alone.
                "schemas": [{"id": "person", "url": _SCHEMA.as_uri()}],
            },
            "courier": {"smtp": {"connection_uri": self._options.smtp}},
        }

    def _secret(self, name: str) -> str:
        """32 characters that stay the same: sessions outlive a restart."""
        file = self._data / f"{name}.secret"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(16))
        return file.read_text()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _ready(f"{self.admin_url}/admin/health/ready"):
            if process.poll() is not None:
                raise LocalStackError(f"Kratos ended at once; its log is {self.log_path}")
            if time.monotonic() > deadline:
                self.stop()
                raise LocalStackError(f"Kratos does not answer; its log is {self.log_path}")
            time.sleep(0.1)


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2.0) as answer:  # noqa: S310 - ours, http
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
