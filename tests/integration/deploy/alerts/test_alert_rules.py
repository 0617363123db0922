"""The alert rules, played by Prometheus' own tool (Debian's package `prometheus` has it)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.fixtures.promql import Selector, ranges_s, selectors
from tests.integration.deploy.alerts.scenarios import (
    PROMETHEUS,
    RULES,
    SCENARIOS,
    Scenario,
    alerts,
    all_selectors,
    groups,
    scenarios,
    seconds,
)

Case = Callable[[str, set[Selector], Scenario], bool]

PLAYED = [scenario for path in SCENARIOS for scenario in scenarios(path)]
HEALTHY = scenarios(PROMETHEUS / "rules_test" / "healthy.yml")[:2]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_alerts_fire_and_end_when_they_should(path: Path) -> None:
    done = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenarios_play_all_rules_in_their_order(path: Path) -> None:
    """Without an order promtool takes any, and an alert reads old values of what is recorded."""
    file = yaml.safe_load(path.read_text())
    assert [(path.parent / name).resolve() for name in file["rule_files"]] == [RULES]
    assert file["group_eval_order"] == [group["name"] for group in groups()]


def fires(alert: str, read: set[Selector], scenario: Scenario) -> bool:
    """Before anything that it reads restarts."""
    first_restart_s = min(scenario.restarts_s(read), default=float("inf"))
    return any(
        check.fires and check.at_s < first_restart_s
        for check in scenario.checks
        if check.alert == alert
    )


def fires_after_restart(alert: str, read: set[Selector], scenario: Scenario) -> bool:
    restarts_s = scenario.restarts_s(read)
    return any(
        check.fires and check.at_s >= restarts_s[0]
        for check in scenario.checks
        if restarts_s and check.alert == alert
    )


def ends(alert: str, _read: set[Selector], scenario: Scenario) -> bool:
    fired_s = [check.at_s for check in scenario.checks if check.alert == alert and check.fires]
    return any(
        not check.fires and check.at_s > fired_s[0]
        for check in scenario.checks
        if fired_s and check.alert == alert
    )


@pytest.mark.parametrize("case", [fires, fires_after_restart, ends], ids=lambda case: case.__name__)
@pytest.mark.parametrize(("alert", "read"), alerts().items(), ids=list(alerts()))
def test_every_alert_has_a_case(alert: str, read: set[Selector], case: Case) -> None:
    assert any(case(alert, read, scenario) for scenario in PLAYED)


def test_every_check_is_of_an_alert_that_there_is() -> None:
    assert {check.alert for scenario in PLAYED for check in scenario.checks} == set(alerts())


@pytest.mark.parametrize("scenario", HEALTHY, ids=lambda scenario: scenario.name)
def test_healthy_pools_have_every_series_that_a_rule_reads(scenario: Scenario) -> None:
    missing = [
        selector
        for selector in all_selectors()
        if not any(selector.matches(one.name, one.labels) for one in scenario.series)
    ]
    assert missing == []


@pytest.mark.parametrize("scenario", HEALTHY, ids=lambda scenario: scenario.name)
def test_no_alert_fires_at_any_time_in_a_healthy_pool(scenario: Scenario) -> None:
    (check,) = scenario.expressions
    assert check["exp_samples"] == []
    assert seconds(check["eval_time"]) >= scenario.ends_s
    assert ranges_s(check["expr"])["ALERTS"] >= scenario.ends_s
    (selector,) = selectors(check["expr"])
    assert {label for label, _, _ in selector.matchers} <= {"alertstate"}


def test_a_restarted_pool_restarts_every_series() -> None:
    """Prometheus itself writes `up`, which is 0 meanwhile."""
    for series in HEALTHY[1].series:
        assert list(series.restarts()) or (series.name, 0.0 in series.values) == ("up", True)
