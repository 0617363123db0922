"""Intake to committed rows, against Quix Streams and Faust summing the same JSON topic alone."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.bench_e2e import measure
from benchmarks.load.e2e_load import Servers, servers, shares, worker_names, write_arrow, write_json
from benchmarks.load.e2e_run import Settings
from benchmarks.peers.environment import peers_python
from benchmarks.results import record

SCRIPTS: Final = Path(__file__).parent
# Long enough that starting up and the last commit weigh little, with anybody.
JSON_SHARES, ARROW_SHARES, WORKERS, ROUNDS = 300_000, 4_000_000, 10_000, 3
# Faust takes minutes for as many; a shorter run is not to its disadvantage.
FAUST_SHARES = 50_000
PEER_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Bench:
    """The topics `json` and `arrow` of one broker, and who reads them."""

    where: Servers
    python: Path

    def intake(self, topic: str, count: int) -> float:
        """Shares per second until they are committed."""
        settings = Settings(
            "intake", self.where.bootstrap_servers, self.where.database_url, topic, count, WORKERS
        )
        return count / measure(settings).seconds

    def quix(self) -> float:
        """Messages of one share per second."""
        script = str(SCRIPTS / "quix_sum.py")
        arguments = [self.where.bootstrap_servers, "json", str(JSON_SHARES)]
        return JSON_SHARES / self._seconds([script, *arguments], {})

    def faust(self) -> float:
        """The same."""
        variables = {
            "PEER_BOOTSTRAP": self.where.bootstrap_servers,
            "PEER_TOPIC": "json",
            "PEER_MESSAGES": str(FAUST_SHARES),
            "PEER_GROUP": f"faust-{time.time_ns()}",
        }
        script = str(SCRIPTS / "faust_sum.py")
        command = [script, "-L", "uvloop", "worker", "-l", "error", "--without-web"]
        return FAUST_SHARES / self._seconds(command, variables)

    def _seconds(self, arguments: list[str], variables: dict[str, str]) -> float:
        done = subprocess.run(
            [str(self.python), *arguments],
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PEER_TIMEOUT_S,
            check=True,
        )
        # Faust draws its own things around the line.
        line = next(each for each in done.stdout.splitlines() if b'{"seconds"' in each)
        return float(json.loads(line[line.index(b"{") :])["seconds"])


def main() -> None:
    """Measure in turns, take the best of each, record the ratios."""
    python = peers_python()
    names = worker_names(WORKERS)
    with servers() as where:
        asyncio.run(write_json(where, "json", shares(JSON_SHARES, names, seed=1)))
        asyncio.run(write_arrow(where, "arrow", shares(ARROW_SHARES, names, seed=2)))
        bench = Bench(where, python)
        runs: dict[str, Callable[[], float]] = {
            "json": lambda: bench.intake("json", JSON_SHARES),
            "arrow": lambda: bench.intake("arrow", ARROW_SHARES),
            "quix": bench.quix,
            "faust": bench.faust,
        }
        rounds = [{name: run() for name, run in runs.items()} for _ in range(ROUNDS)]
    best = {name: max(each[name] for each in rounds) for name in runs}
    for peer, label in (("quix", "Quix Streams 3.28"), ("faust", "faust-streaming 0.15")):
        for encoding in ("json", "arrow"):
            note = (
                f"{best[encoding]:,.0f} shares/s to committed rows ({encoding}) against "
                f"{best[peer]:,.0f}: the one-minute sum per worker alone, JSON, one share a "
                f"message, {WORKERS:,} workers; best of {ROUNDS}"
            )
            name = f"e2e_{encoding}_vs_{peer}"
            record(name, best[encoding] / best[peer], "x", label, note)


def test_against_quix_and_faust(benchmark: Any) -> None:
    """The runs are processes of their own; the clock of the plugin only frames them."""
    benchmark.pedantic(main, rounds=1)


if __name__ == "__main__":
    main()
