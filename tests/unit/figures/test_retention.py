"""Storage policies: spans that would eat each other are refused, with the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.figures.rollups.retention import Policies

DEFAULT = Policies()


def test_defaults_are_those_of_the_design() -> None:
    days = {level: DEFAULT.keep(level) for level in ("minutes", "15m", "1h", "1d")}
    assert days == {
        "minutes": timedelta(days=3),
        "15m": timedelta(days=35),
        "1h": timedelta(days=396),
        "1d": None,
    }
    assert DEFAULT.lateness == timedelta(hours=48)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lateness": timedelta(days=3)}, "longer than shares may be late"),
        ({"keep_events": timedelta(days=7)}, "events must be kept at least 8 days"),
        (
            {"quarter": replace(DEFAULT.quarter, compress_after=timedelta(hours=48))},
            "15m would be compressed while late shares",
        ),
        (
            {"quarter": replace(DEFAULT.quarter, keep=timedelta(days=7))},
            "15m must be kept at least 8 days",
        ),
        (
            {"hour": replace(DEFAULT.hour, keep=timedelta(days=20))},
            "1h must be kept at least as long as 15m",
        ),
        (
            {"quarter": replace(DEFAULT.quarter, compress_after=timedelta(days=35))},
            "15m would be dropped before it is compressed",
        ),
    ],
)
def test_spans_that_eat_each_other_are_refused(change: dict[str, timedelta], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        replace(DEFAULT, **change)
