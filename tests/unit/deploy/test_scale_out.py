"""The simulation behind the runbook's table: Kafka's own hash, and a division that adds up."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2

from benchmarks.load.scale_out import divide, owners_of, partitions_of, worker_keys


@pytest.mark.parametrize(
    ("key", "hashed"),
    [("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536)],
)
def test_keys_hash_as_the_java_client_does(key: str, hashed: int) -> None:
    assert murmur2(key.encode()) & 0xFFFF_FFFF == hashed & 0xFFFF_FFFF
    assert partitions_of(iter([key]), 16).tolist() == [(hashed & 0x7FFF_FFFF) % 16]


def test_aggregators_own_as_many_partitions_but_one() -> None:
    assert owners_of(16, 5).tolist() == [0] * 4 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3


def test_many_workers_fall_evenly() -> None:
    found = divide(worker_keys(10_000), 8, 2)
    assert found.keys == 10_000
    assert 1.0 <= found.busiest_aggregator <= found.busiest_partition < 1.1


def test_few_keys_leave_partitions_without_work() -> None:
    assert divide(iter(["a", "b"]), 8, 2).idle_partitions >= 6
