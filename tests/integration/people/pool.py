"""A pool with people of a real Ory Kratos in it, and the API that they call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx2

from query_api.config import (
    AccessConfig,
    ApiConfig,
    InvitationConfig,
    KratosConfig,
    PeopleConfig,
)
from tests.fixtures.kratos import People, Person
from tests.integration.api.client import BASE, api_config
from tests.integration.api.data import Node, Tree

INTERNAL_KEY = "i" * 32
INTERNAL = {"X-Headframe-API-Key": INTERNAL_KEY}


def people_config(url: str, people: People, **invitations: Any) -> ApiConfig:
    kratos = KratosConfig(
        url=people.node.public_url, admin_url=people.node.admin_url, timeout_s=2.0, cache_s=0.1
    )
    access = AccessConfig(internal_api_key=INTERNAL_KEY, kratos=kratos, cache_s=0.05)
    config = api_config(url, access=access)
    settings = PeopleConfig(
        InvitationConfig(**{"secret": "s" * 32, **invitations}), intercom_secret="intercom"
    )
    return replace(config, access=access, people=settings)


@dataclass
class Pool:
    """`tree` has a pool, an operator with miner alpha, and miner beta right under the pool."""

    client: httpx2.AsyncClient
    connection: asyncpg.Connection
    tree: Tree
    people: People

    async def call(
        self, method: str, path: str, who: Person | dict[str, str], **options: Any
    ) -> httpx2.Response:
        headers = who if isinstance(who, dict) else self.people.headers(who)
        return await self.client.request(method, BASE + path, headers=headers, **options)

    async def member(self, role: str, on: Node, **traits: Any) -> Person:
        """Somebody who has signed in and has a role."""
        person = self.people.person(**traits)
        assert (await self.call("GET", "/user", person)).status_code == 200
        await self.connection.execute(
            "insert into roles values ($1, $2, $3)", on.id, person.uid, role
        )
        return person

    async def roles(self, person: Person) -> list[tuple[str | None, list[str]]]:
        user = (await self.call("GET", "/user", person)).json()
        return [(it["account_name"] or it["type"], it["roles"]) for it in user["permissions"]]

    async def last_code(self, email: str) -> str:
        """The code in the newest mail to an address."""
        code: str = await self.connection.fetchval(
            "select fields ->> 'code' from outgoing_mails "
            "where to_address = $1 and kind = 'invitation' order by id desc limit 1",
            email,
        )
        return code
