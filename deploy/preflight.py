"""What a process makes sure of before it starts, so that a wrong address is said at once."""

from __future__ import annotations

import socket
import time
from typing import Final

import psycopg

from deploy.addresses import bootstrap_servers, database_url
from deploy.migrate import current_version, expected_version
from deploy.settings import Settings
from deploy.telemetry import without_credentials

# A server that is just starting takes a few seconds; a wrong address never answers.
PATIENCE_S: Final = 10.0
_RETRY_S: Final = 0.5


class PreflightError(Exception):
    """Something that the process needs is not there; the message says what to do."""


def check_database(url: str, *, patience_s: float = PATIENCE_S) -> None:
    """PreflightError where no database answers, or an old schema does."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                version, expected = current_version(connection), expected_version()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                reason = str(error).strip().splitlines()[0]
                raise PreflightError(
                    f"no database at {without_credentials(url)}: {reason}"
                ) from None
            time.sleep(_RETRY_S)
            continue
        if version < expected:
            raise PreflightError(
                f"the database has schema {version:04}, this program needs {expected:04}: "
                "run `hashgauge migrate`"
            )
        return


def ready_database(settings: Settings) -> str:
    """The address for a command of one go, which does not wait: PreflightError as above."""
    url = database_url(settings)
    check_database(url, patience_s=0.0)
    return url


def ready_broker(settings: Settings) -> str:
    """As `ready_database`."""
    servers = bootstrap_servers(settings)
    check_broker(servers, patience_s=0.0)
    return servers


def check_broker(servers: str, *, patience_s: float = PATIENCE_S) -> None:
    """PreflightError where none of the addresses takes a connection."""
    deadline = time.monotonic() + patience_s
    while not any(_takes(address) for address in servers.split(",")):
        if time.monotonic() > deadline:
            raise PreflightError(f"no broker answers at {servers}")
        time.sleep(_RETRY_S)


def _takes(address: str) -> bool:
    host, _, port = address.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]") or "127.0.0.1", int(port)), timeout=3.0):
            return True
    except (OSError, ValueError):
        return False
