"""`make-secrets.sh`: every file that compose reads, for nobody else on the machine."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.database.roles import ROLES, passwords_of
from schemas.sealing import Seal

DEPLOY = Path(__file__).parents[3] / "deploy"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the script, after a run by somebody whose umask hides nothing."""
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path)
    run(tmp_path)
    return tmp_path


def run(folder: Path, **environment: str) -> None:
    subprocess.run(
        ["sh", "-c", "umask 000; sh ./make-secrets.sh"],
        cwd=folder,
        check=True,
        capture_output=True,
        env=os.environ | environment,
    )


def test_nobody_else_reads_a_secret(folder: Path) -> None:
    run(folder, SMTP_URI="smtps://user:password@mail.example:465/")
    secrets = folder / "secrets"
    assert mode(secrets) == 0o700
    assert {mode(file) for file in secrets.iterdir()} == {0o600}
    assert mode(folder / ".env") == 0o600


def test_all_that_compose_reads_is_made(folder: Path) -> None:
    run(folder, SMTP_URI="smtps://user:password@mail.example:465/")
    wanted: set[str] = set()
    for name in ("compose.yaml", "compose.identity.yaml"):
        compose = yaml.safe_load((DEPLOY / name).read_text())
        wanted |= {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert {file.name for file in (folder / "secrets").iterdir()} == wanted
    owner = f"RUN_AS_UID={os.getuid()}\nRUN_AS_GID={os.getgid()}\n"
    assert (folder / ".env").read_text() == owner


def test_the_programs_can_use_them(folder: Path) -> None:
    secrets = folder / "secrets"
    urls = {
        role: (secrets / f"database_url_{role.removeprefix('hashgauge_')}").read_text()
        for role in ROLES
    }
    assert len(set(passwords_of(urls).values())) == len(ROLES)
    seal = Seal(((secrets / "hashgauge_sealing_keys").read_text(),))
    assert seal.open(seal.seal("x")) == "x"
    assert len((secrets / "hashgauge_internal_api_key").read_text()) >= 32


def test_what_is_there_stays(folder: Path) -> None:
    before = {file.name: file.read_text() for file in (folder / "secrets").iterdir()}
    run(folder)
    assert {file.name: file.read_text() for file in (folder / "secrets").iterdir()} == before


def test_each_process_has_its_own_secrets_alone() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]

    def sources(name: str) -> set[str]:
        return {s if isinstance(s, str) else s["source"] for s in services[name].get("secrets", ())}

    assert sources("gateway") == {"hashgauge_internal_api_key"}
    assert sources("notifier") == {"database_url_notifier", "hashgauge_sealing_keys"}
    assert sources("aggregator-1") == {"database_url_aggregator", "hashgauge_sealing_keys"}
    assert sources("migrate") == {"database_url_owner"}
    for name in services:
        if name not in ("timescaledb", "database-roles"):
            assert not sources(name) & {"postgres_password", "database_url_admin"}, name
