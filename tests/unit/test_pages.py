"""The dashboard's page as any client sees it, built or not."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from query_api.web.pages import add_pages


async def _asked(method: str, dist: Path) -> httpx2.Response:
    app = FastAPI()
    add_pages(app, api_base="/api", dist=dist)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, "/")


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
