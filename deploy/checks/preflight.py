"""What a process makes sure of before it starts, so that a wrong address is said at once."""

from __future__ import annotations

import socket
import time
from typing import Final

import psycopg

from deploy.checks import pooler
from deploy.database.migrate import current_version, expected_version
from deploy.process.telemetry import without_credentials
from deploy.settings.addresses import bootstrap_servers, database_url, server_url
from deploy.settings.settings import Settings

# A server that is just starting takes a few seconds; a wrong address never answers.
WAIT_S: Final = 10.0
_RETRY_S: Final = 0.5


class PreflightError(Exception):
    """Something that the process needs is not there; the message says what to do."""


def check_database(
    settings: Settings, *, wait_s: float = WAIT_S, through_pooler: bool = False
) -> None:
    """PreflightError where no database answers, or an old schema does, or a pooler (which only
    those may pass who need no session of their own)."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            with pooler.reading(settings, application_name="hashgauge") as (connection, pooled):
                version, expected = current_version(connection), expected_version()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                reason = str(error).strip().splitlines()[0]
                address = without_credentials(server_url(settings))
                raise PreflightError(f"no database at {address}: {reason}") from None
            time.sleep(_RETRY_S)
            continue
        if pooled and not through_pooler:
            raise PreflightError(f"DATABASE_URL leads through a connection pooler: {pooler.ADVICE}")
        if version < expected:
            raise PreflightError(
                f"the database has schema {version:04}, this program needs {expected:04}: "
                "run `hashgauge migrate`"
            )
        return


def ready_database(settings: Settings) -> str:
    """The address for a command of one go, which does not wait: PreflightError as above."""
    check_database(settings, wait_s=0.0)
    return database_url(settings)


def ready_broker(settings: Settings) -> str:
    """As `ready_database`."""
    servers = bootstrap_servers(settings)
    check_broker(servers, wait_s=0.0)
    return servers


def check_broker(servers: str, *, wait_s: float = WAIT_S) -> None:
    """PreflightError where none of the addresses takes a connection."""
    deadline = time.monotonic() + wait_s
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
