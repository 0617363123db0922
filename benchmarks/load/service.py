"""The whole service in its own processes, on a Kafka and a durable PostgreSQL of the run.

PostgreSQL has the settings that operators are advised to take: with its defaults (128 MB of shared
buffers, a checkpoint for each gigabyte of log) a million new workers wait for the disk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

import deploy
from benchmarks.load.e2e_load import servers
from tests.acceptance.processes import Running, Service

TOPIC: Final = "shares"
ADVISED: Final = Path(deploy.__file__).with_name("postgresql.conf")
_SUMS: Final = ("accepted_count", "rejected_count", "accepted", "rejected")


@contextmanager
def service() -> Iterator[Service]:
    with (
        servers(advised_settings()) as where,
        TemporaryDirectory(prefix="hashgauge-bench-") as folder,
    ):
        yield Service(where.database_url, where.bootstrap_servers, TOPIC, Path(folder))


def advised_settings() -> dict[str, str]:
    """Those of `deploy/postgresql.conf`, less the extensions' and what the server of the run
    decides itself."""
    lines = [line.partition("=") for line in ADVISED.read_text("utf-8").splitlines()]
    settings = {name.strip(): value.strip().strip("'") for name, _, value in lines if value}
    # The wheel's PostgreSQL is built without lz4.
    return {
        name: value.replace("lz4", "on")
        for name, value in settings.items()
        if not name.startswith(("#", "timescaledb.", "shared_preload_libraries"))
    }


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
    sums = dict.fromkeys(_SUMS, 0.0)
    with pq.ParquetFile(truth) as file:
        # A day of 100,000 workers has 144 million rows.
        for batch in file.iter_batches(columns=["minute_s", *_SUMS]):
            chosen = batch.filter(pc.less(batch["minute_s"], before_s))
            for name in _SUMS:
                sums[name] += float(pc.sum(chosen[name]).as_py() or 0)
    return sums


def sums_counted(service: Service, relation: str) -> dict[str, float]:
    columns = ", ".join(f"coalesce(sum({name}), 0)::float8" for name in _SUMS)
    (row,) = service.query(f"select {columns} from {relation}")
    return dict(zip(_SUMS, row, strict=True))
