"""Intake processes, a leader beside them, and the verdict after a fault."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from deploy.database.roles import AGGREGATOR
from schemas.runtime.clock import Clock, SystemClock
from tests.fixtures.postgres import under
from tests.fixtures.until import until
from tests.integration.faults.fast_clock import FastClock
from tests.integration.faults.memory import peak_bytes
from tests.integration.faults.reader import FiguresReader
from tests.integration.intake.share_pool import ACCOUNTS, WORKERS, Pool, count_stored, stored

ROOT: Final = Path(__file__).parents[3]
# What an intake may take above what it took before its first fetch: one fetch as bytes and decoded,
# two buffers of `BUFFERED_SHARES`, libraries loaded at the first use, the allocator's slack.
GROWTH_BYTES: Final = 96 * 2**20
BUFFERED_SHARES: Final = 50_000
# Statuses by the default rules. Cycles come as fast as minutes do: a second is one.
LEADER: Final = {"clock": "wall", "cycle_s": 0.3, "cycle_phase_s": 0.0, "backoff_ratio": 0.1}


class IntakeProcess:
    """One intake as a process of its own."""

    def __init__(
        self,
        database_url: str,
        bootstrap: str,
        topic: str,
        log_dir: Path,
        *,
        timed_by: Clock,
        **settings: Any,
    ) -> None:
        consumer = {
            "bootstrap_servers": bootstrap,
            "topic": topic,
            "group_id": settings.pop("group_id", f"group-{topic}"),
            "session_timeout_s": 6.0,
            "heartbeat_s": 1.0,
            "metadata_max_age_s": 1.0,
            "request_timeout_s": 10.0,
            # A fetch counts as fresh for 80 ms of a fast clock.
            "fetch_max_wait_s": 0.1,
            "partition_fetch_bytes": 2**20,
        }
        intake = {
            "owner": f"test-{uuid4().hex[:6]}",
            # The fast clock begins a day behind the database's.
            "clock_tolerance_s": 2 * 86_400.0,
            "flush_interval_s": 0.2,
            "heartbeat_interval_s": 0.2,
            "flush_shares": BUFFERED_SHARES // 2,
            "buffered_shares": BUFFERED_SHARES,
            "retry_longest_s": 0.5,
            "lock_timeout_s": 2.0,
            "database_silence_s": 4.0,
            "revoke_flush_s": 3.0,
            "idle_in_transaction_s": 3.0,
            **settings,
        }
        arguments = {
            "database_url": under(AGGREGATOR, database_url),
            "consumer": consumer,
            "intake": intake,
            "clock": asdict(timed_by) if isinstance(timed_by, FastClock) else None,
        }
        self._peak_bytes = 0
        self.log_path = log_dir / f"{intake['owner']}.log"
        self.process = _started(
            self.log_path, "tests.integration.intake.process_main", json.dumps(arguments)
        )

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self._look()
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """Ask it to end; its exit code. The pool goes on meanwhile."""
        self.process.terminate()
        try:
            return await asyncio.to_thread(self.process.wait, 30)
        finally:
            self.kill()

    def growth_bytes(self) -> int:
        """Its peak above what it took before its first fetch; 0 where it never came that far."""
        self._look()
        said = {name: int(count) for name, count in re.findall(r"(\w+_bytes) (\d+)", self.log)}
        if "idle_bytes" not in said:
            return 0
        # Whoever ends by itself says its peak; who is killed was looked at before.
        return max(self._peak_bytes, said.get("peak_bytes", 0)) - said["idle_bytes"]

    def _look(self) -> None:
        if self.process.poll() is None:
            self._peak_bytes = max(self._peak_bytes, peak_bytes(self.process.pid))


class Processes:
    """Starts intake processes and sees to it that none outlives the test."""

    def __init__(
        self,
        database_url: str,
        bootstrap: str,
        topic: str,
        log_dir: Path,
        *,
        clock: Clock,
    ) -> None:
        self._where = (database_url, bootstrap, topic, log_dir)
        self.clock = clock
        self._leader: subprocess.Popen[bytes] | None = None
        self.all: list[IntakeProcess] = []

    def start(self, **settings: Any) -> IntakeProcess:
        database_url = settings.pop("database_url", self._where[0])
        process = IntakeProcess(database_url, *self._where[1:], timed_by=self.clock, **settings)
        self.all.append(process)
        return process

    def lead(self, settings: dict[str, Any]) -> None:
        """Start a leader."""
        database_url, log_dir = self._where[0], self._where[-1]
        self._leader = _started(
            log_dir / "leader.log",
            "tests.integration.figures.leader_process",
            under(AGGREGATOR, database_url),
            f"leader-{uuid4().hex[:6]}",
            json.dumps(settings),
        )

    def kill(self) -> None:
        for each in self.all:
            each.kill()
        if self._leader is not None:
            self._leader.kill()
            self._leader.wait()

    def check_memory(self) -> None:
        """Of all processes that there were."""
        for each in self.all:
            grown = each.growth_bytes()
            assert grown < GROWTH_BYTES, f"{each.log_path.name}: {grown:,} bytes"

    @property
    def logs(self) -> str:
        paths = sorted(self._where[-1].glob("*.log"))
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in paths)


def _started(log_path: Path, module: str, *arguments: str) -> subprocess.Popen[bytes]:
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=log, stderr=log
        )


@contextmanager
def processes(
    database_url: str,
    bootstrap: str,
    topic: str,
    log_dir: Path,
    *,
    clock: Clock | None = None,
) -> Iterator[Processes]:
    """Processes of a test; pytest shows their logs where it fails."""
    started = Processes(database_url, bootstrap, topic, log_dir, clock=clock or SystemClock())
    try:
        yield started
    finally:
        started.kill()
        print(started.logs)


@contextmanager
def led_processes(
    database_url: str, bootstrap: str, topic: str, log_dir: Path
) -> Iterator[Processes]:
    """The same on a fast clock, with a leader that judges statuses all the while."""
    clock = FastClock.start()
    with processes(database_url, bootstrap, topic, log_dir, clock=clock) as started:
        started.lead(LEADER)
        yield started


async def all_registered(database_url: str) -> None:
    """Return when the leader has met every worker: from here on it judges their silence. (Its
    first sweep has no stream time that could have stood still.)"""
    await until(lambda: FiguresReader(database_url).registered() == ACCOUNTS * WORKERS)


async def nothing_reported(pool: Pool, intakes: Processes, database_url: str) -> None:
    """No status moved and no source was missed, up to now; memory stayed bounded."""
    reader = FiguresReader(database_url)
    pool.flow()  # a pool at rest is silent, rightly so
    now = datetime.fromtimestamp(pool.clock.now_ms() / 1_000, UTC)
    await until(lambda: reader.watermark() >= now)
    assert reader.alarms() == [], reader.log_of_alarms()
    intakes.check_memory()


async def counted(
    pool: Pool, intakes: Processes, database_url: str, *, within_s: float = 150.0
) -> None:
    """The fault is over, and it is as if there had been none: no status moved, memory stayed
    bounded, every share that was produced is stored, once, where it belongs."""
    await nothing_reported(pool, intakes, database_url)
    await pool.rest()
    await until(lambda: count_stored(database_url) >= pool.truth.shares, within_s=within_s)
    assert stored(database_url) == pool.truth.expected
