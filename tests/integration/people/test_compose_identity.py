"""compose.identity.yaml: a real Kratos reads its files and its environment as an operator would."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from deploy.local.kratos.binary import kratos_binary
from deploy.local.process import answers, end, free_port, spawn

pytestmark = pytest.mark.kratos

DEPLOY = Path(__file__).parents[3] / "deploy"
SITE = "https://pool.example"


def kratos_service(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Its command and environment, with the files where this machine has them."""
    shutil.copy(DEPLOY / "make-secrets.sh", folder)
    environment = {**os.environ, "SMTP_URI": "smtp://127.0.0.1:1/"}
    subprocess.run(["sh", folder / "make-secrets.sh"], env=environment, check=True)
    compose: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.identity.yaml").read_text())
    service = compose["services"]["kratos"]
    places = {"/etc/kratos": str(DEPLOY / "local/kratos"), "/run/secrets": f"{folder}/secrets"}
    command = [str(kratos_binary()), *service["command"]]
    for inside, outside in places.items():
        command = [word.replace(inside, outside) for word in command]
    values = {
        name: SITE if value.startswith("${SITE:?") else value.replace("${SITE}", SITE)
        for name, value in service["environment"].items()
    }
    return command, values


def test_kratos_starts_with_them_and_knows_the_site(tmp_path: Path) -> None:
    command, values = kratos_service(tmp_path)
    # Of this machine: no database, free ports, the schema where it lies.
    here = tmp_path / "here.yml"
    schema = (DEPLOY / "local/kratos/identity.schema.json").as_uri()
    here.write_text(yaml.safe_dump({"identity": {"schemas": [{"id": "person", "url": schema}]}}))
    port = free_port()
    own = {"DSN": "memory", "SERVE_PUBLIC_PORT": str(port), "SERVE_ADMIN_PORT": str(free_port())}
    with (tmp_path / "log").open("ab") as log:
        process = spawn(
            [*command, f"--config={here}"],
            log=log,
            cwd=tmp_path,
            env=os.environ | values | own | {"SERVE_PUBLIC_HOST": "127.0.0.1"},
        )
    try:
        deadline = time.monotonic() + 60
        while not answers(port) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        flow = f"http://127.0.0.1:{port}/self-service/login/browser"
        begun = httpx2.get(flow, params={"return_to": f"{SITE}/sign-in/settings"})
        assert begun.status_code == 303, (tmp_path / "log").read_text()
        assert begun.headers["location"].startswith(f"{SITE}/sign-in/login?flow=")
        asked = httpx2.get(flow, headers={"Accept": "application/json"}).json()
        assert asked["ui"]["action"].startswith(f"{SITE}/identity/self-service/login?flow=")
        elsewhere = httpx2.get(flow, params={"return_to": "https://evil.example/"})
        assert not elsewhere.headers["location"].startswith((SITE, "https://evil.example"))
    finally:
        end(process, signal.SIGTERM)
