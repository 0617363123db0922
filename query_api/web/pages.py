"""Serves the built pages, the dashboard, the API reference and the documents: hashed assets, a
strict Content-Security-Policy, nothing from another host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from query_api.config import KratosConfig
from query_api.web.documents import documents

DIST: Final = Path(__file__).with_name("dist")

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
# Swagger UI's style sheet holds its icons.
REFERENCE_POLICY: Final = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")

# HEAD is how many a monitor asks whether a page is there.
_METHODS: Final = ["GET", "HEAD"]
NO_SIGN_IN: Final = KratosConfig()
FLOWS: Final = ("login", "registration", "recovery", "verification", "settings")
"""Kratos' settings name a page for each: `{dashboard}/sign-in/login`."""

_YEAR_S: Final = 31_536_000


@dataclass(frozen=True, slots=True)
class _Page:
    file: Path
    policy: str
    fill: Mapping[str, str]
    """What stands for what in its text."""


class _HashedFiles(StaticFiles):
    """Files whose names change with their content, so that a browser never asks twice."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and "-" in path:
            response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
        return response


def add_pages(
    app: FastAPI, *, api_base: str, kratos: KratosConfig = NO_SIGN_IN, dist: Path = DIST
) -> None:
    """Adds `/`, `{api_base}/docs`, `/documents/…` and `/assets`, and with a Kratos the pages that
    it leads to. Without built pages all but the assets answer 503 and say how to build them."""
    fill = {"{{api_base}}": api_base, "{{identity}}": kratos.browser_base}
    dashboard = _Page(dist / "index.html", dashboard_policy(kratos), fill)
    reference = _Page(dist / "reference" / "index.html", REFERENCE_POLICY, fill)
    _add_page(app, "/", dashboard)
    _add_page(app, f"{api_base}/docs", reference)
    for document in documents(dist / "documents"):
        written = {"{{title}}": escape(document.title), "{{body}}": document.body}
        page = _Page(dist / "documents" / "index.html", CONTENT_SECURITY_POLICY, written)
        _add_page(app, f"/documents/{document.name}", page)
    if kratos.browser_base:
        for flow in FLOWS:
            _add_page(app, f"/sign-in/{flow}", dashboard)
    if (dist / "assets").exists():
        app.mount("/assets", _HashedFiles(directory=dist / "assets"), name="assets")


def dashboard_policy(kratos: KratosConfig) -> str:
    """With a Kratos: its address, and the picture of a second factor's secret, which it sends as
    data."""
    if not kratos.browser_base:
        return CONTENT_SECURITY_POLICY
    policy = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")
    if kratos.browser_origin is None:
        return policy
    return policy.replace("connect-src 'self'", f"connect-src 'self' {kratos.browser_origin}")


def _add_page(app: FastAPI, path: str, built: _Page) -> None:
    if not built.file.exists():
        app.add_api_route(path, _not_built, methods=_METHODS, include_in_schema=False)
        return
    text = built.file.read_text(encoding="utf-8")
    for name, value in {"{{root}}": _root_from(path), **built.fill}.items():
        text = text.replace(name, value)
    headers = {"Content-Security-Policy": built.policy, "Cache-Control": "no-cache"}

    async def page() -> HTMLResponse:
        return HTMLResponse(text, headers=headers)

    app.add_api_route(path, page, methods=_METHODS, include_in_schema=False)


def _root_from(path: str) -> str:
    """The way from a page to the root: a proxy may serve all of this below a prefix.

    >>> _root_from("/"), _root_from("/sign-in/login")
    ('./', '../')
    """
    return "../" * (path.count("/") - 1) or "./"


async def _not_built() -> PlainTextResponse:
    return PlainTextResponse("This page is not built yet: run `make web`.\n", status_code=503)
