"""Who answers a query: our tables, DuckDB and ClickHouse, each with its minutes and its hours."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb
import psycopg

from benchmarks.peers.environment import peers_python

_CLICKHOUSE: Final = Path(__file__).with_name("clickhouse_queries.py")

Rows = list[list[Any]]


class Engine(Protocol):
    """Answers with the seconds that it took, rows in Python included."""

    def ask(self, query: str) -> tuple[float, Rows]: ...


class DuckDb:
    """A database file, both tables in order of worker and time."""

    def __init__(self, parquet: Path, file: Path) -> None:
        self._connection = duckdb.connect(str(file))
        self._connection.execute(
            f"create table minutes as from '{parquet}' order by worker_id, bucket"
        )
        self._connection.execute(
            "create table hours as select worker_id, bucket // 3600 * 3600 as bucket,"
            " sum(accepted) as accepted, sum(rejected) as rejected"
            " from minutes group by all order by 1, 2"
        )
        self._connection.execute("checkpoint")

    def ask(self, query: str) -> tuple[float, Rows]:
        started = time.perf_counter()
        rows = self._connection.execute(query).fetchall()
        return time.perf_counter() - started, [list(row) for row in rows]


class ClickHouse:
    """In a process of its own; its clock is there, so that the pipe does not count."""

    def __init__(self, parquet: Path, folder: Path) -> None:
        command = [str(peers_python()), str(_CLICKHOUSE), str(parquet), str(folder)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "ready\n"

    def ask(self, query: str) -> tuple[float, Rows]:
        assert self._process.stdin is not None
        print(query, file=self._process.stdin, flush=True)
        answer = json.loads(self._line())
        return float(answer["seconds"]), answer["rows"]

    def stop(self) -> None:
        self._process.communicate(timeout=60)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Hashgauge:
    """Our tables as a leader leaves them on plain PostgreSQL, over a connection of psycopg."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def ask(self, query: str) -> tuple[float, Rows]:
        started = time.perf_counter()
        rows = self._connection.execute(query.encode()).fetchall()
        return time.perf_counter() - started, [list(row) for row in rows]
