"""The reference page and the introduction of the OpenAPI document."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import pytest

from aggregator.notify.webhooks.signing import headers_of, new_secret
from query_api.contract.openapi import INTRODUCTION
from query_api.http.rate_limits import Quota
from query_api.web.pages import DIST
from schemas.windows import PERIODS, WINDOWS
from tests.integration.api.client import BASE, api_client, api_config

REFERRED = re.compile(r"""(?:src|href)=["']?([^"'\s>]+)""")


async def test_the_page_is_of_this_server_alone(database_url: str):
    assert (DIST / "reference" / "index.html").exists(), "build the pages first: make web"
    async with api_client(api_config(database_url)) as client:
        page = await client.get(f"{BASE}/docs")
        assert page.status_code == 200
        addresses = REFERRED.findall(page.text)
        assert len(addresses) == 4, "icon, style, script, document"
        for address in addresses:
            # Relative: below whatever path a proxy serves all of this.
            assert not address.startswith("/"), address
            assert "://" not in address, address
            found = await client.get(urljoin(f"{BASE}/docs", address))
            assert found.status_code == 200, address
    assert "<script>" not in page.text


async def test_the_policy_lets_nothing_else_in(database_url: str):
    async with api_client(api_config(database_url)) as client:
        page = await client.get(f"{BASE}/docs")
    policy = dict(
        part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_the_script_is_kept_by_browsers_and_licences_are_not_served(database_url: str):
    async with api_client(api_config(database_url)) as client:
        page = await client.get(f"{BASE}/docs")
        script = await client.get(re.findall(r'src="([^"]+)"', page.text)[0])
        assert "immutable" in script.headers["cache-control"]
    for licence in ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (DIST / "reference" / licence).stat().st_size > 0


async def test_the_document_names_licence_and_server(database_url: str):
    async with api_client(api_config(database_url)) as client:
        document = (await client.get(f"{BASE}/openapi.json")).json()
    assert document["info"]["license"]["identifier"] == "Apache-2.0"
    assert document["info"]["description"] == INTRODUCTION
    assert [server["url"] for server in document["servers"]] == ["/"]


def test_the_introduction_names_every_window_and_period():
    for window in WINDOWS:
        assert f"`{window.name}`" in INTRODUCTION
    for period in PERIODS:
        assert f"| `{period.period}` | `{period.interval}` | {period.points} |" in INTRODUCTION


def test_the_rate_limit_headers_of_the_introduction_are_those_sent():
    for name, value in Quota(limit=1_200, remaining=1_180, reset_s=25).headers():
        assert value.decode() in INTRODUCTION, name


@pytest.fixture
def is_genuine() -> Any:
    """The function that the introduction shows."""
    code = re.findall(r"```python\n(.*?)```", INTRODUCTION, re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(compile("\n".join(code), Path("introduction.md").name, "exec"), namespace)
    return namespace["is_genuine"]


def test_the_shown_check_takes_what_we_sign_and_nothing_else(is_genuine: Any):
    body = json.dumps({"worker": "rig-é"}, ensure_ascii=False).encode()
    old, new, foreign = new_secret(), new_secret(), new_secret()
    now_s = int(time.time())
    headers = headers_of(uuid4(), body, now_s=now_s, signing_secrets=[old, new])
    assert is_genuine(headers, body, old)
    assert is_genuine(headers, body, new)
    assert not is_genuine(headers, body, foreign)
    assert not is_genuine(headers, body + b" ", new)
    replayed = headers_of(uuid4(), body, now_s=now_s - 3_600, signing_secrets=[new])
    assert not is_genuine(replayed, body, new)
