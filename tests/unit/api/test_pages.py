"""The dashboard's page as any client sees it, built or not."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from query_api.config import KratosConfig
from query_api.web import pages
from query_api.web.pages import FLOWS, add_pages

SOURCES = pages.DIST.parent / "src"
NO_SIGN_IN = KratosConfig()


async def _asked(
    method: str, dist: Path, *, path: str = "/", kratos: KratosConfig = NO_SIGN_IN
) -> httpx2.Response:
    app = FastAPI()
    add_pages(app, api_base="/api", kratos=kratos, dist=dist)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_page_answers_browsers_and_monitors(tmp_path: Path, method: str) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<meta name=api-base content={{api_base}}>")
    answer = await _asked(method, tmp_path)
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len("<meta name=api-base content=/api>"))
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_page_that_is_not_built_is_not_well(tmp_path: Path, method: str) -> None:
    assert (await _asked(method, tmp_path)).status_code == 503


@pytest.mark.parametrize(
    ("browser_url", "base", "called"),
    [
        ("/identity/", "/identity", "connect-src 'self';"),
        ("https://id.pool.example/a/", "https://id.pool.example/a", "https://id.pool.example;"),
        ("http://[::1]:4433", "http://[::1]:4433", "http://[::1]:4433;"),
    ],
)
async def test_pages_may_call_the_kratos_of_the_settings_alone(
    tmp_path: Path, browser_url: str, base: str, called: str
) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("{{identity}}")
    kratos = KratosConfig(browser_url=browser_url)
    for path in ("/", *(f"/sign-in/{flow}" for flow in FLOWS)):
        answer = await _asked("GET", tmp_path, path=path, kratos=kratos)
        assert answer.text == base
        assert called in answer.headers["content-security-policy"]
        assert "data:" in answer.headers["content-security-policy"]


async def test_without_kratos_nobody_signs_in_and_nothing_else_is_called(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<{{identity}}>")
    answer = await _asked("GET", tmp_path)
    assert answer.text == "<>"
    assert "connect-src 'self';" in answer.headers["content-security-policy"]
    assert "data:" not in answer.headers["content-security-policy"]
    assert (await _asked("GET", tmp_path, path="/sign-in/login")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    ["identity", "javascript:alert(1)", "https://x/?a=b", "https://x;script-src *", '/"><script>'],
)
def test_an_address_that_could_change_the_page_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="browser_url"):
        KratosConfig(browser_url=wrong)


def test_the_home_screen_has_icons_of_the_sizes_that_the_manifest_names() -> None:
    manifest = json.loads((SOURCES / "app.webmanifest").read_text())
    for icon in manifest["icons"]:
        if icon["type"] == "image/png":
            data = (SOURCES / "icons" / icon["src"]).read_bytes()
            # The header of a PNG: width and height at 16 and 20.
            width, height = struct.unpack(">2I", data[16:24])
            assert icon["sizes"] == f"{width}x{height}"
        else:
            assert (SOURCES / icon["src"]).exists()
