"""Limits of what the service may approve by itself: per payee, batch and day."""

from __future__ import annotations

import pytest

from aggregator.payouts.config import LimitsConfig

LIMITS = LimitsConfig(automatic=True, item_sat=10, batch_sat=100, day_sat=200)


@pytest.mark.parametrize(
    ("item_sat", "batch_sat", "day_sat", "beyond"),
    [
        (10, 100, 200, None),
        (1, 1, 1, None),
        (11, 100, 200, "the largest payee gets 11 sat, the limit 10"),
        (10, 101, 200, "the batch is 101 sat, the limit 100"),
        (10, 100, 201, "batches of the day are 201 sat, the limit 200"),
        (11, 101, 201, "the largest payee gets 11 sat, the limit 10"),
    ],
)
def test_exactly_the_limit_is_within_it(
    item_sat: int, batch_sat: int, day_sat: int, beyond: str | None
) -> None:
    found = LIMITS.beyond(item_sat=item_sat, batch_sat=batch_sat, day_sat=day_sat)
    assert found == beyond
