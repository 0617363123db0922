"""What every database session relies on, whatever the role or the database has set.

A role with `datestyle = German`, a database whose time zone is Tokyo, a `statement_timeout` for
people at a console: each of them changed what queries answer or ended a process. Sessions say these
themselves when they start.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PINNED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "timezone": "UTC",
        "datestyle": "ISO, MDY",
        "intervalstyle": "postgres",
        "bytea_output": "hex",
        # The shortest text that is the same float again.
        "extra_float_digits": "1",
        "client_encoding": "UTF8",
        "search_path": "public",
        "standard_conforming_strings": "on",
        "default_transaction_read_only": "off",
        "default_transaction_isolation": "read committed",
        "default_transaction_deferrable": "off",
        # NULL in an array is a null, and `= null` is unknown.
        "array_nulls": "on",
        "transform_null_equals": "off",
        # Thousands of rows come as one array. A plan made for any array takes it for ten rows: it
        # read each worker's whole history where half an hour was asked for.
        "plan_cache_mode": "force_custom_plan",
        # Every transaction that may wait sets its own limits.
        "statement_timeout": "0",
        "lock_timeout": "0",
        "idle_in_transaction_session_timeout": "0",
        # Pools keep sessions that nobody needs for minutes.
        "idle_session_timeout": "0",
        # The server ends the session of a process that lost its network within a minute, and with
        # it the locks that others wait for; two hours by default.
        "tcp_keepalives_idle": "15",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "4",
        "tcp_user_timeout": "30000",
    }
)
