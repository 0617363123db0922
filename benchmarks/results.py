"""Benchmark results: one row per measured figure in results.json, a list sorted by name."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Final

RESULTS: Final = Path(__file__).with_name("results.json")


def record(
    name: str, value: float, unit: str, against: str, note: str, *, path: Path = RESULTS
) -> None:
    """Put one figure into the list, in place of an older one of the same name.

    `against` says what the value was compared with in the same run ("" for an absolute figure).
    Several benchmarks may run at once: the lock keeps one from undoing what another wrote.
    """
    row = {
        "name": name,
        "value": round(value, 4),
        "unit": unit,
        "against": against,
        "note": note,
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
