"""The files an operator installs from: checked against their schemas and against the code."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from deploy.cli import app
from deploy.settings.settings import all_settings
from schemas.runtime.metrics import METRICS, PREFIX, MetricSpec
from tests.fixtures.promql import Selector, selectors

DEPLOY = Path(__file__).parents[3] / "deploy"
SCRIPTS = Path(sys.executable).parent
COMPOSE = sorted(DEPLOY.glob("compose*.yaml"))
KUBERNETES = sorted(
    path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml"
)
RULES = DEPLOY / "prometheus" / "rules.yml"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

# A histogram gives three series, a counter is exported under its own name.
SERIES = {
    PREFIX + spec.name + suffix: spec
    for spec in METRICS
    for suffix in (("_bucket", "_sum", "_count") if spec.kind == "histogram" else ("",))
}
# Written for those who look, no alert reads them.
RECORDED_FOR_PEOPLE = {"hashgauge:http_request_seconds:p99"}
SETTINGS = {setting.variable for setting in all_settings()}


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_compose_files_keep_to_the_specification() -> None:
    assert len(COMPOSE) == 2
    run(SCRIPTS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", *COMPOSE)


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


def compose_files() -> Iterator[dict[str, Any]]:
    yield from (yaml.safe_load(file.read_text()) for file in COMPOSE)


def published_ports() -> Iterator[str]:
    for compose in compose_files():
        for service in compose["services"].values():
            yield from service.get("ports", [])


def test_compose_publishes_on_loopback_only() -> None:
    ports = list(published_ports())
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_no_password_stands_in_a_file() -> None:
    for compose in compose_files():
        for service in compose["services"].values():
            for name, value in service.get("environment", {}).items():
                if re.search(r"PASSWORD|SECRET|KEY", name):
                    assert str(value).startswith("/run/secrets"), name
        assert all(set(secret) == {"file"} for secret in compose["secrets"].values())


def test_secrets_are_made_for_all_that_the_compose_files_name(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path)
    make = ("sh", tmp_path / "make-secrets.sh")
    run(*make)
    assert not (tmp_path / "secrets" / "kratos.json").exists()
    run("env", "SMTP_URI=smtps://pool:pw@mail.example:465/", *make)
    made = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    for compose in compose_files():
        assert {Path(secret["file"]).name for secret in compose["secrets"].values()} <= set(made)
    kratos = json.loads(made["kratos.json"])
    assert made["kratos_password"] in kratos["dsn"]
    assert len(kratos["secrets"]["cipher"][0]) == 32
    run("env", "SMTP_URI=smtps://another.example:465/", *make)
    again = {file.name: file.read_text() for file in (tmp_path / "secrets").iterdir()}
    assert again == made, "what is there already stays"


def environment_names() -> set[str]:
    text = "\n".join(
        path.read_text()
        for path in (
            *COMPOSE,
            DEPLOY / "README.md",
            DEPLOY.parent / "docs" / "identity.md",
            *(DEPLOY / "kubernetes").iterdir(),
        )
    )
    # What ends in an underscore stands for several.
    return set(re.findall(r"\bHASHGAUGE_[A-Z0-9_]*[A-Z0-9]\b(?!_)", text))


def test_every_setting_in_the_files_exists() -> None:
    assert environment_names() <= SETTINGS


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def unknown(expression: str) -> list[Selector]:
    """Those that no process of ours could ever match: another name, label or value."""
    return [
        selector
        for selector in selectors(expression)
        if selector.name.startswith(PREFIX)
        and not (selector.name in SERIES and labels_exist(SERIES[selector.name], selector))
    ]


def labels_exist(spec: MetricSpec, selector: Selector) -> bool:
    values = dict(zip(spec.labels, spec.values, strict=False))
    return all(
        label in (*spec.labels, "le", "instance", "job")
        and (operator.endswith("Re") or label not in values or value in values[label])
        for label, operator, value in selector.matchers
    )


def test_rules_use_metrics_that_exist() -> None:
    for rule in rules():
        assert unknown(rule["expr"]) == [], rule
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert {
        selector.name
        for rule in rules()
        for selector in selectors(rule["expr"])
        if not selector.name.startswith(PREFIX)
    } == recorded - RECORDED_FOR_PEOPLE | {"up", "process_start_time_seconds"}


def test_code_writes_every_metric() -> None:
    """One that nobody counts or sets is a rule that never fires."""
    calls = [
        call
        for package in ("schemas", "ingest", "aggregator", "query_api", "deploy")
        for path in (DEPLOY.parent / package).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func).removeprefix("metrics.") in ("counter", "gauge", "histogram")
    ]
    written = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    assert {spec.name for spec in METRICS} <= written


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
        assert unknown(expression) == [], expression


def test_metrics_table_is_fresh() -> None:
    run(sys.executable, DEPLOY / "metrics_table.py", "--check")


def test_licences_of_what_is_shipped_are_known_and_listed() -> None:
    run(sys.executable, DEPLOY / "licences.py", "--check")
    listed = (DEPLOY / "licences.md").read_text()
    for line in ("| psycopg | ", "| numpy | ", "| fastapi | ", "| uplot (dashboard) | "):
        assert line in listed
    texts = run(sys.executable, DEPLOY / "licences.py", "--texts")
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in texts.upper()
    assert "licences.txt" in (DEPLOY / "Dockerfile").read_text()


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
