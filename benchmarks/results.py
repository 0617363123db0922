"""Benchmark results: one row per measured figure in results.json, a list sorted by name."""

from __future__ import annotations

import fcntl
import json
import time
from pathlib import Path
from typing import Final

RESULTS: Final = Path(__file__).with_name("results.json")
BUSY_CORES: Final = 0.3
"""With more than this at work before a benchmark begins, its results count as taken on a busy
machine: a server that idles takes a tenth of it."""

_STAT: Final = Path("/proc/stat")
_TICKS_PER_S: Final = 100
_WATCH_S: Final = 1.0


def cores_at_work(span_s: float = _WATCH_S, *, stat: Path = _STAT) -> float:
    """How many cores everybody together keeps busy while this process waits."""
    before = _busy_ticks(stat)
    time.sleep(span_s)
    return (_busy_ticks(stat) - before) / (_TICKS_PER_S * span_s)


def _busy_ticks(stat: Path) -> int:
    """All but idle and waiting for disks."""
    user, nice, system, _, _, *rest = map(int, stat.read_text().split("\n", 1)[0].split()[1:9])
    return user + nice + system + sum(rest)


class Machine:
    """What others did before the benchmark that runs now."""

    def __init__(self) -> None:
        self.cores: float | None = None

    def look(self) -> None:
        self.cores = cores_at_work()

    @property
    def busy_cores(self) -> float:
        """Looked at now, if nobody has before the benchmark."""
        if self.cores is None:
            self.look()
        return self.cores or 0.0


MACHINE: Final = Machine()


def record(
    name: str, value: float, unit: str, against: str, note: str, *, path: Path = RESULTS
) -> None:
    """Put one figure into the list, in place of an older one of the same name.

    `against` says what the value was compared with in the same run ("" for an absolute figure).
    Several benchmarks may run at once: the lock keeps one from undoing what another wrote.
    """
    busy = round(MACHINE.busy_cores, 1)
    row = {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "against": against,
        "note": note,
        "busy_cores_before": busy,
    }
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        rows = [old for old in (json.loads(text) if text else []) if old["name"] != name]
        rows = sorted([*rows, row], key=lambda each: each["name"])
        file.seek(0)
        file.truncate()
        file.write(json.dumps(rows, indent=2) + "\n")
    warning = f"  (on a busy machine: {busy} cores at work before it)" if busy > BUSY_CORES else ""
    print(f"{name} = {value:.4g} {unit}{warning}")


def taken_on_a_busy_machine(*, path: Path = RESULTS) -> list[str]:
    """Names of the results that say so."""
    rows = json.loads(path.read_text()) if path.exists() else []
    return [row["name"] for row in rows if row.get("busy_cores_before", 0) > BUSY_CORES]


if __name__ == "__main__":
    found = taken_on_a_busy_machine()
    print(f"results taken on a busy machine: {', '.join(found) or 'none'}")
