"""The files an operator installs from: checked against their schemas and against the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import typer
import yaml

from deploy.cli import app
from deploy.settings import all_settings
from schemas.metrics import METRICS, PREFIX

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPTS = Path(sys.executable).parent
KUBERNETES = sorted(
    path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml"
)
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

# A histogram gives three series, a counter is exported under its own name.
SERIES = {
    PREFIX + spec.name + suffix
    for spec in METRICS
    for suffix in (("_bucket", "_sum", "_count") if spec.kind == "histogram" else ("",))
}
SETTINGS = {setting.variable for setting in all_settings()}


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_compose_file_keeps_to_the_specification() -> None:
    run(
        SCRIPTS / "check-jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        DEPLOY / "compose.yaml",
    )


def test_dockerfile_has_no_hadolint_finding() -> None:
    assert run(SCRIPTS / "hadolint", DEPLOY / "Dockerfile") == ""


def test_manifests_keep_to_the_published_schemas() -> None:
    run(SCRIPTS / "kubernetes-validate", "--strict", "--quiet", *KUBERNETES)


def test_kustomization_names_every_manifest() -> None:
    kustomization = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())
    assert sorted(kustomization["resources"]) == [path.name for path in KUBERNETES]


@pytest.mark.parametrize(
    "unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda p: p.name
)
def test_units_are_hardened(unit: Path) -> None:
    text = unit.read_text()
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n"):
        assert line in text
    # Arrow's allocator tries mbind: a call that is filtered must fail, not end the process.
    assert "SystemCallErrorNumber=EPERM" in text
    if shutil.which("systemd-analyze"):
        said = subprocess.run(
            ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True
        ).stderr
        # The program is not installed where the tests run; anything else is a mistake of the file.
        assert [line for line in said.splitlines() if "is not executable" not in line] == []


def published_ports() -> Iterator[str]:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        yield from service.get("ports", [])


def test_compose_publishes_on_loopback_only() -> None:
    ports = list(published_ports())
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_password_stands_in_a_file() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY", name):
                assert str(value).startswith("/run/secrets"), name
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def environment_names() -> set[str]:
    text = "\n".join(
        path.read_text()
        for path in (
            DEPLOY / "compose.yaml",
            DEPLOY / "README.md",
            *(DEPLOY / "kubernetes").iterdir(),
        )
    )
    # What ends in an underscore stands for several.
    return set(re.findall(r"\bHASHGAUGE_[A-Z0-9_]*[A-Z0-9]\b(?!_)", text))


def test_every_setting_in_the_files_exists() -> None:
    assert environment_names() <= SETTINGS


def series_of(expression: str) -> set[str]:
    """Names of our series in a PromQL expression; ValueError where it does not parse."""
    promql_parser.parse(expression)
    return set(re.findall(rf"\b{PREFIX}[a-z0-9_]+", expression))


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_rules_use_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for rule in rules():
        assert series_of(rule["expr"]) <= SERIES | recorded, rule


def test_event_streams_are_no_slow_requests() -> None:
    """They last as long as somebody listens, and would be the slowest hundredth of any hour."""
    texts = [RULES.read_text(), *(path.read_text() for path in DASHBOARDS)]
    series = [
        found.replace("\\", "")
        for text in texts
        for found in re.findall(r"http_request_seconds_bucket[^\[]*", text)
    ]
    assert len(series) >= 3
    assert set(series) == {'http_request_seconds_bucket{route!~".*/events"}'}


def test_every_alert_says_what_to_do() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len(alerts) >= 8
    runbook = (DEPLOY / "README.md").read_text()
    for alert in alerts:
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert f"`{alert['alert']}`" in runbook, f"{alert['alert']} is not in the runbook"


def test_dashboards_use_metrics_that_exist() -> None:
    expressions = [
        target["expr"].replace("$__rate_interval", "1m")
        for path in DASHBOARDS
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", [])
    ]
    assert len(expressions) >= 10
    for expression in expressions:
        assert series_of(expression) <= SERIES, expression


def test_metrics_table_is_fresh() -> None:
    run(sys.executable, DEPLOY / "metrics_table.py", "--check")


def runbook_commands() -> list[str]:
    text = (DEPLOY / "README.md").read_text()
    # Where a command can stand; kubectl has things of that name, too.
    before = r"(?:^|`|-- |bin/|restored )"
    found = re.findall(before + r"hashgauge ([a-z][a-z-]+(?: [a-z][a-z-]+)?)", text, re.MULTILINE)
    return sorted(set(found))


def test_every_command_of_the_runbook_exists() -> None:
    commands = getattr(typer.main.get_command(app), "commands", {})
    assert len(runbook_commands()) >= 10
    for line in runbook_commands():
        first, _, second = line.partition(" ")
        assert first in commands, line
        inner = getattr(commands[first], "commands", None)
        assert inner is None or second in inner, line
