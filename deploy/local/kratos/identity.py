"""Sign-in on the local stack: an Ory Kratos with a first owner, and the API's settings for it."""

from __future__ import annotations

import hashlib
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psycopg

from deploy.local.errors import LocalStackError
from deploy.local.kratos.node import KratosNode, Options
from deploy.settings.overrides import PREFIX
from deploy.settings.settings import Settings
from schemas.runtime.named_sql import load

OWNER: Final = "owner@example.com"
SQL: Final = load("deploy", "sql/local.sql")


class LocalIdentity:
    """Its secrets are made once and kept in the data folder, readable by its owner alone."""

    def __init__(self, settings: Settings, *, dashboard: str) -> None:
        self._folder = settings.data_dir / "kratos"
        self._given_key = settings.internal_api_key
        self.node = KratosNode(self._folder, Options(dashboard=dashboard))

    @property
    def internal_key(self) -> str:
        if self._given_key is not None:
            return self._given_key.get_secret_value()
        return _kept(self._folder / "internal-api-key")

    @property
    def owner_password(self) -> str:
        return _kept(self._folder / "owner.password")

    def environment(self) -> Mapping[str, str]:
        """Access control is on: without a session or a key nobody gets in."""
        digest = hashlib.sha256(f"invitations of {self.internal_key}".encode()).hexdigest()
        return {
            f"{PREFIX}INTERNAL_API_KEY": self.internal_key,
            f"{PREFIX}API__ACCESS__KRATOS__URL": self.node.public_url,
            f"{PREFIX}API__ACCESS__KRATOS__BROWSER_URL": self.node.public_url,
            f"{PREFIX}API__ACCESS__KRATOS__ADMIN_URL": self.node.admin_url,
            f"{PREFIX}API__PEOPLE__INVITATIONS__SECRET": digest,
        }

    def make_owner(self) -> None:
        """Somebody who can sign in, with a verified address: no mail leaves this machine."""
        body = {
            "schema_id": "person",
            "traits": {"email": OWNER, "language": "en"},
            "credentials": {"password": {"config": {"password": self.owner_password}}},
            "verifiable_addresses": [
                {"value": OWNER, "verified": True, "via": "email", "status": "completed"}
            ],
        }
        request = urllib.request.Request(  # noqa: S310 - ours, http
            f"{self.node.admin_url}/admin/identities",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 409:  # there since an earlier start
                raise LocalStackError(f"Kratos made no first owner: {error.code}") from error

    def owned_pools(self, database_url: str) -> Iterator[str]:
        """The pools that are there become the owner's; what to show about it, line by line."""
        with psycopg.connect(database_url) as connection:
            connection.execute(SQL["add_local_owner"].encode(), {"email": OWNER})
            connection.execute(SQL["own_all_pools"].encode(), {"email": OWNER})
        yield f"{'sign in':<14}{OWNER} with {self.owner_password}"
        yield f"{'internal key':<14}{self.internal_key}"
        yield f"{'identities':<14}{self.node.public_url} (admin {self.node.admin_url})"


def _kept(file: Path) -> str:
    """A secret of 64 hex digits, made on first use."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32))
    return file.read_text().strip()
