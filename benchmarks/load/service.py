"""The whole service in its own processes, on a Kafka and a durable PostgreSQL of the run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.load.e2e_load import servers
from tests.acceptance.processes import Running, Service

TOPIC: Final = "shares"
_SUMS: Final = ("accepted_count", "rejected_count", "accepted", "rejected")


@contextmanager
def service() -> Iterator[Service]:
    with servers() as where, TemporaryDirectory(prefix="hashgauge-bench-") as folder:
        yield Service(where.database_url, where.bootstrap_servers, TOPIC, Path(folder))


def memory_gb(process: Running, field: str = "VmRSS") -> float:
    """What a process holds now; `VmHWM` for the most it ever held; 0 if it has ended."""
    try:
        status = Path(f"/proc/{process.process.pid}/status").read_text()
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith(field)]
    return int(sizes[0]) / 1024**2 if sizes else 0.0


def sums_sent(truth: Path, *, before_s: float = math.inf) -> dict[str, float]:
    """Of the file that the simulator writes at its end, of the minutes before an instant."""
    table = pq.read_table(truth, columns=["minute_s", *_SUMS])
    table = table.filter(pc.less(table["minute_s"], before_s))
    return {name: float(pc.sum(table[name]).as_py() or 0) for name in _SUMS}


def sums_counted(service: Service, relation: str) -> dict[str, float]:
    columns = ", ".join(f"coalesce(sum({name}), 0)::float8" for name in _SUMS)
    (row,) = service.query(f"select {columns} from {relation}")
    return dict(zip(_SUMS, row, strict=True))
