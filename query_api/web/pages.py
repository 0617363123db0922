"""Serves the built dashboard: one page, hashed assets, a strict Content-Security-Policy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST: Final = Path(__file__).with_name("dist")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# HEAD is how many a monitor asks whether a page is there.
_METHODS: Final = ["GET", "HEAD"]
_YEAR_S: Final = 31_536_000


class _HashedFiles(StaticFiles):
    """Files whose names change with their content, so that a browser never asks twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and "-" in path:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
        return response


def add_pages(app: FastAPI, *, api_base: str, dist: Path = DIST) -> None:
    """Adds `/` and `/assets`. Without a built page `/` answers 503 and says how to build it."""
    index = dist / "index.html"
    if not index.exists():
        app.add_api_route("/", _not_built, methods=_METHODS, include_in_schema=False)
        return
    page = index.read_text(encoding="utf-8").replace("{{api_base}}", api_base)

    async def home() -> HTMLResponse:
        return HTMLResponse(
            page,
            headers={
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
                "Cache-Control": "no-cache",
            },
        )

    app.add_api_route("/", home, methods=_METHODS, include_in_schema=False)
    app.mount("/assets", _HashedFiles(directory=dist / "assets"), name="assets")


async def _not_built() -> PlainTextResponse:
    return PlainTextResponse("The dashboard is not built yet: run `make web`.\n", status_code=503)
