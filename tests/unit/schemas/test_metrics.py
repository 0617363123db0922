"""What a metric says after the term of the process that counted it."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from schemas.runtime.metrics import PREFIX, end_term, gauge


@pytest.mark.parametrize(
    "name", ["sources_silent", "ledger_problems", "settlement_next_day_seconds"]
)
def test_a_gauge_of_a_term_is_gone_after_it(name: str) -> None:
    gauge(name).set(7)
    end_term(name)
    assert REGISTRY.get_sample_value(PREFIX + name) is None
    gauge(name).set(3)
    assert REGISTRY.get_sample_value(PREFIX + name) == 3
    end_term(name)


def test_a_term_that_found_out_nothing_says_nothing() -> None:
    end_term("sources_silent")
    end_term("sources_silent")
    assert REGISTRY.get_sample_value(PREFIX + "sources_silent") is None


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [("outbox_lag_seconds", "channel", "kafka"), ("workers", "status", "stable")],
)
def test_labelled_ones_are_gone(name: str, label: str, value: str) -> None:
    gauge(name).labels(**{label: value}).set(7)
    end_term(name)
    assert REGISTRY.get_sample_value(PREFIX + name, {label: value}) is None
