"""The seeded pool's dashboard beside a real Kratos, put together as `hashgauge up` does it."""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.kratos.node import KratosNode, Options
from deploy.local.process import free_port
from query_api.config import (
    AccessConfig,
    ApiConfig,
    CacheConfig,
    DatabaseConfig,
    InvitationConfig,
    KratosConfig,
    PeopleConfig,
)
from tests.browser.site.seeded_pool import ApiServer, SeededPool
from tests.fixtures.kratos import People
from tests.integration.api.client import UNLIMITED


@dataclass(frozen=True)
class Site:
    """`seeded` is the pool of the other tests, seen through an API that knows Kratos."""

    seeded: SeededPool
    node: KratosNode
    people: People

    def mailed_code(self, email: str) -> str:
        """Six digits of the newest mail that Kratos has for the address."""
        mails = self.people.admin("GET", f"/courier/messages?recipient={email}")
        found = re.search(r"\b\d{6}\b", mails[0]["body"])
        assert found, mails
        return found.group()


@contextmanager
def running_site(seeded: SeededPool, url: str, data_dir: Path) -> Iterator[Site]:
    public, admin = free_port(), free_port()
    address = f"http://127.0.0.1:{public}"
    kratos = KratosConfig(
        url=address,
        browser_url=address,
        admin_url=f"http://127.0.0.1:{admin}",
        timeout_s=10.0,
        cache_s=0.1,
    )
    config = ApiConfig(
        DatabaseConfig(url, pool_size=5),
        access=AccessConfig(kratos=kratos, cache_s=0.1),
        limits=UNLIMITED,
        cache=CacheConfig(version_poll_s=0.05),
        people=PeopleConfig(InvitationConfig(secret="s" * 32)),
    )
    api = ApiServer(config)
    options = Options(dashboard=api.address, in_memory=True, public_port=public, admin_port=admin)
    node = KratosNode(data_dir, options)
    node.start()
    api.start()
    try:
        yield Site(replace(seeded, api=api), node, People(node))
    finally:
        api.stop()
        node.stop()


def authenticator_code(secret: str) -> str:
    """RFC 6238, as an authenticator app computes it."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, int(time.time() // 30).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**6:06}"
