"""How work divides when scaling out: workers over partitions, partitions over aggregators.

`python -m benchmarks.load.scale_out` prints the table of `deploy/README.md`. Keys are hashed as by
Kafka's own producer (murmur2); every aggregator gets as many partitions as any other, or one more,
which is what the sticky assignor of intake comes to.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from aiokafka.partitioner import murmur2
from numpy.typing import NDArray

# (workers, partitions, aggregators): from one machine to a million workers.
STEPS: Final = (
    (1_000, 4, 1),
    (10_000, 8, 2),
    (100_000, 16, 4),
    (100_000, 16, 5),
    (1_000_000, 24, 4),
    (1_000_000, 32, 8),
)
# Stratum servers that send batches under one key each: few keys fall unevenly.
SOURCES: Final = 12
_SHARES_PER_WORKER_MIN: Final = 6


@dataclass(frozen=True, slots=True)
class Division:
    """How a load divides. The busiest one's part over an even part: 1.0 is even."""

    keys: int
    partitions: int
    aggregators: int
    busiest_partition: float
    busiest_aggregator: float
    idle_partitions: int


def partitions_of(keys: Iterator[str], partitions: int) -> NDArray[np.int64]:
    """The partition of each key, as Kafka's default partitioner chooses it."""
    hashes = (murmur2(key.encode()) & 0x7FFF_FFFF for key in keys)
    return np.fromiter(hashes, np.int64) % partitions


def owners_of(partitions: int, aggregators: int) -> NDArray[np.int64]:
    """The aggregator of each partition: numbers differ by one at most."""
    each, more = divmod(partitions, aggregators)
    sizes = [each + (number < more) for number in range(aggregators)]
    return np.repeat(np.arange(aggregators), sizes)


def divide(keys: Iterator[str], partitions: int, aggregators: int) -> Division:
    """Every key brings the same load."""
    load = np.bincount(partitions_of(keys, partitions), minlength=partitions)
    total = int(load.sum())
    owned = np.bincount(owners_of(partitions, aggregators), load, aggregators)
    return Division(
        total,
        partitions,
        aggregators,
        float(load.max()) * partitions / total,
        float(owned.max()) * aggregators / total,
        int((load == 0).sum()),
    )


def worker_keys(workers: int) -> Iterator[str]:
    """The usual key of single shares: fifty workers an account."""
    return (f"account{number // 50}.rig{number % 50:02}" for number in range(workers))


def source_keys(sources: int) -> Iterator[str]:
    return (f"stratum-{number}" for number in range(sources))


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(
        "| key | keys | partitions | aggregators | shares/s each, even | busiest partition ", end=""
    )
    print("| busiest aggregator | partitions without work |")
    print("|---|---|---|---|---|---|---|---|")
    for workers, partitions, aggregators in STEPS:
        even = workers * _SHARES_PER_WORKER_MIN / 60 / aggregators
        _print("worker", divide(worker_keys(workers), partitions, aggregators), f"{even:,.0f}")
    for partitions in (8, 24):
        _print("source", divide(source_keys(SOURCES), partitions, 4), "–")


def _print(kind: str, found: Division, even: str) -> None:
    print(
        f"| {kind} | {found.keys:,} | {found.partitions} | {found.aggregators} | {even} "
        f"| {found.busiest_partition:.2f} | {found.busiest_aggregator:.2f} "
        f"| {found.idle_partitions} |"
    )


if __name__ == "__main__":
    main()
