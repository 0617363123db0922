"""Writes `deploy/metrics.md` from the metrics table of the code; `--check` only compares."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from schemas.runtime.metrics import METRICS, PREFIX, MetricSpec

PAGE: Final = Path(__file__).with_name("metrics.md")

_HEAD: Final = """# Metrics

Every metric, made from `schemas/runtime/metrics.py` by `python deploy/metrics_table.py`.

| metric | kind | labels | meaning | when it rises |
|---|---|---|---|---|
"""


def main() -> None:
    """Write the page, or exit with 1 where it is not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    page = _HEAD + "".join(_row(spec) for spec in METRICS)
    if not parser.parse_args().check:
        PAGE.write_text(page)
    elif PAGE.read_text() != page:
        sys.exit(f"{PAGE.name} is old: run python deploy/metrics_table.py")


def _row(spec: MetricSpec) -> str:
    labels = ", ".join(f"`{label}`" for label in spec.labels)
    return f"| `{PREFIX}{spec.name}` | {spec.kind} | {labels} | {spec.meaning} | {spec.action} |\n"


if __name__ == "__main__":
    main()
