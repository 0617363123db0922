"""The alert rules, and the scenarios in which promtool plays them, as data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml
from promql_parser import parse_duration

from tests.fixtures.promql import Selector, labels_of, selectors

PROMETHEUS: Final = Path(__file__).parents[4] / "deploy" / "prometheus"
RULES: Final = PROMETHEUS / "rules.yml"
SCENARIOS: Final = sorted((PROMETHEUS / "rules_test").glob("*.yml"))

_COUNTERS: Final = ("_total", "_bucket", "_count", "_sum")
_VALUES: Final = re.compile(r"(?P<first>-?[\d.]+)(?P<step>[+-][\d.]+)?(?:x(?P<more>\d+))?")


@dataclass(frozen=True, slots=True)
class Check:
    """What is expected of one alert at one time."""

    alert: str
    at_s: float
    fires: bool


@dataclass(frozen=True, slots=True)
class Series:
    name: str
    labels: dict[str, str]
    values: list[float | None]
    """One a scrape; None if there is none."""

    def restarts(self) -> Iterator[int]:
        """The scrapes at which it is back after a gap, or counts anew."""
        known = [(at, value) for at, value in enumerate(self.values) if value is not None]
        for (before, old), (at, new) in pairwise(known):
            anew = self.name.endswith(_COUNTERS) and new < old
            if at > before + 1 or anew:
                yield at


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    interval_s: float
    series: list[Series]
    checks: list[Check]
    expressions: list[dict[str, Any]]

    def restarts_s(self, read: set[Selector]) -> list[float]:
        """When a series that is read restarts."""
        return sorted(
            at * self.interval_s
            for series in self.series
            if any(selector.matches(series.name, series.labels) for selector in read)
            for at in series.restarts()
        )

    @property
    def ends_s(self) -> float:
        return self.interval_s * (max(len(series.values) for series in self.series) - 1)


def seconds(text: str) -> float:
    return parse_duration(text).total_seconds()


def groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return found


def alerts() -> dict[str, set[Selector]]:
    """What each alert reads, through the rules that are recorded."""
    rules = [rule for group in groups() for rule in group["rules"]]
    recorded = {rule["record"]: rule["expr"] for rule in rules if "record" in rule}

    def scraped(expression: str) -> set[Selector]:
        found: set[Selector] = set()
        for selector in selectors(expression):
            deeper = recorded.get(selector.name)
            found |= {selector} if deeper is None else scraped(deeper)
        return found

    return {rule["alert"]: scraped(rule["expr"]) for rule in rules if "alert" in rule}


def all_selectors() -> set[Selector]:
    """Of scraped series, in every rule, those of the dashboards as well."""
    rules = [rule for group in groups() for rule in group["rules"]]
    recorded = {rule.get("record") for rule in rules}
    found = {selector for rule in rules for selector in selectors(rule["expr"])}
    return {selector for selector in found if selector.name not in recorded}


def scenarios(path: Path) -> list[Scenario]:
    return [_scenario(test) for test in yaml.safe_load(path.read_text())["tests"]]


def _scenario(test: dict[str, Any]) -> Scenario:
    return Scenario(
        test["name"],
        seconds(test["interval"]),
        [
            Series(*labels_of(series["series"]), list(_values(series["values"])))
            for series in test["input_series"]
        ],
        [
            Check(check["alertname"], seconds(check["eval_time"]), bool(check.get("exp_alerts")))
            for check in test.get("alert_rule_test", [])
        ],
        test.get("promql_expr_test", []),
    )


def _values(text: str) -> Iterator[float | None]:
    """promtool's notation: `1x3` is 1 four times, `1+2x3` is 1 3 5 7, `_x3` is None three times."""
    for item in text.split():
        if item == "stale":
            yield None
        elif item.startswith("_"):
            yield from [None] * int(item[2:] or 1)
        else:
            found = _VALUES.fullmatch(item)
            assert found, f"unknown notation: {item}"
            first, step = float(found["first"]), float(found["step"] or 0)
            yield from (first + step * i for i in range(int(found["more"] or 0) + 1))
