"""Which errors of the database pass by waiting, and which do not: one family for every service."""

from __future__ import annotations

from typing import Final

from psycopg import InternalError, OperationalError
from psycopg.errors import (
    ForeignKeyViolation,
    InsufficientPrivilege,
    UndefinedColumn,
    UndefinedTable,
)

from ingest.errors import RetryableError

PASSING: Final = (
    # Away, full, restarting, busy; a pool without a free connection (PoolTimeout); a deadlock.
    OperationalError,
    # Read-only during a failover, or a transaction that the server ended because we were frozen.
    InternalError,
    # A row went while another referred to it: a webhook deleted by its owner. The next attempt does
    # not see it any more.
    ForeignKeyViolation,
    RetryableError,
)
"""Wait, then do the same again. Only for steps that are one transaction."""

FATAL: Final = (UndefinedTable, UndefinedColumn, InsufficientPrivilege)
"""The database is not the one that this version needs: `hashgauge migrate`, or a right."""
