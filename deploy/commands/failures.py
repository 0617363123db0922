"""Failures that a person can mend, as one line each."""

from __future__ import annotations

import socket

import psycopg
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from deploy.checks import pooler
from deploy.checks.preflight import PreflightError
from deploy.database.migrate import MigrationError
from deploy.local.errors import LocalStackError
from deploy.process.listening import ListenError
from deploy.process.telemetry import without_credentials
from deploy.settings.overrides import SettingsError
from ingest.errors import IngestError

FAILED = 1
USAGE = 2


def explain(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code for `error`; None for one that deserves its traceback."""
    match error:
        case SettingsError():
            return str(error), USAGE
        case (
            LocalStackError() | MigrationError() | PreflightError() | ListenError() | IngestError()
        ):
            return without_credentials(_first_line(error)), FAILED
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return "the database lacks its schema: run `hashgauge migrate`", FAILED
        case psycopg.errors.InsufficientPrivilege():
            return f"the database: {_first_line(error)}", FAILED
        case psycopg.OperationalError() if pooler.turned_away(error):
            return f"DATABASE_URL leads through a connection pooler: {pooler.ADVICE}", FAILED
        case psycopg.OperationalError():
            return f"the database: {without_credentials(_first_line(error))}", FAILED
        case UnknownTopicOrPartitionError():
            return "the topic is not there: is HASHGAUGE_SHARES_TOPIC right?", FAILED
        case KafkaError():
            return f"the broker: {_first_line(error)}", FAILED
        case PermissionError():
            return f"no permission for {error.filename}: was it made by another user?", FAILED
        case ConnectionError() | socket.gaierror():
            return f"no connection: {_first_line(error)}", FAILED
        case OSError() if error.filename is not None:
            return f"{error.filename}: {error.strerror}", FAILED
        case ExceptionGroup():
            return explain(error.exceptions[0])
        case _:
            return None


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
