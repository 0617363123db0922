"""Requests to try, with ids that exist in the running database."""

from __future__ import annotations

import threading
import time
from typing import Final

import psycopg

from schemas.runtime.named_sql import load

SQL: Final = load("deploy", "sql/local.sql")
_BASE: Final = "/api/backend/v0.1"


def example_paths(database_url: str, timeout_s: float, stop: threading.Event) -> list[str]:
    """Paths of the API that answer; waits up to `timeout_s` for the first miner
    with figures."""
    deadline = time.monotonic() + timeout_s
    while True:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(SQL["example"].encode()).fetchone()
        if row is not None:
            pool, miner = row
            return [
                f"{_BASE}/pool/stats",
                f"{_BASE}/pools/{pool}/charts?period=PT1H",
                f"{_BASE}/miners/stats?id={miner}",
                f"{_BASE}/miners/{miner}/workers?limit=5",
            ]
        if time.monotonic() > deadline or stop.wait(0.5):
            return [f"{_BASE}/pool/stats"]
