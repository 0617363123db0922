"""One chromium and one seeded pool for all tests of the dashboard; a fresh page for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from query_api.web.pages import DIST
from tests.browser.site.seeded_pool import SeededPool, build_pool, close_pool
from tests.fixtures.postgres import EmbeddedPostgres, _database

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


QUIET_S = 1
TIMEOUT_MS = 20_000
"""Other tests keep the processors busy meanwhile."""
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="package")
def package_database_url(
    postgres_server: EmbeddedPostgres, template_database: str
) -> Iterator[str]:
    yield from _database(postgres_server, template_database)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def lasting_pool(package_database_url: str) -> AsyncIterator[SeededPool]:
    assert (DIST / "index.html").exists(), "build the dashboard first: make web"
    seeded = await build_pool(package_database_url)
    yield seeded
    await close_pool(seeded)


@pytest_asyncio.fixture(loop_scope="package")
async def seeded(lasting_pool: SeededPool) -> SeededPool:
    """With figures of this very moment."""
    await lasting_pool.advance()
    return lasting_pool


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class Visit:
    """A visitor: opens pages of the dashboard, and what was wrong or asked for on the way."""

    seeded: SeededPool
    browser: Browser
    problems: list[str] = field(default_factory=list)
    tolerated: str | None = None
    """Part of what the browser writes to its console about a request that fails on purpose."""
    requests: list[str] = field(default_factory=list)
    unanswered: set[Request] = field(default_factory=set)
    """But for streams of events, which have no end."""
    contexts: list[BrowserContext] = field(default_factory=list)

    async def open(self, fragment: str, **options: Any) -> Page:
        """The view at `fragment` in a context of its own, signed in with the owner's key, with the
        `internal` one, or not at all."""
        signed_in = options.pop("signed_in", True)
        internal = options.pop("internal", False)
        context = await self.browser.new_context(**options)
        self.contexts.append(context)
        if signed_in:
            held = json.dumps(
                {"kind": "internal key", "value": self.seeded.internal_key}
                if internal
                else {"kind": "user key", "value": self.seeded.key}
            )
            await context.add_init_script(
                f"sessionStorage.setItem('hashgauge.credential', {json.dumps(held)})"
            )
        page = await context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", lambda m: m.type == "error" and self.problems.append(m.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        await page.goto(f"{self.seeded.api.address}/{fragment}")
        return page

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)
        if "/events" not in request.url:
            self.unanswered.add(request)

    def _answered(self, request: Request) -> None:
        self.unanswered.discard(request)

    async def all_is_answered(self) -> None:
        """Returns when no request is on its way and no answer leads to another one."""
        asked = -1
        while self.unanswered or asked != len(self.requests):
            asked = len(self.requests)
            await asyncio.sleep(QUIET_S)

    async def close(self, *also: str) -> None:
        """Fails if the browser's console showed an error, or something was asked of another host
        than the API and `also`."""
        for context in self.contexts:
            await context.close()
        expected = self.tolerated
        assert [text for text in self.problems if expected is None or expected not in text] == []
        known = (self.seeded.api.address, "blob:", *also)
        assert [url for url in self.requests if not url.startswith(known)] == []


@pytest_asyncio.fixture(loop_scope="package")
async def visit(seeded: SeededPool, browser: Browser) -> AsyncIterator[Visit]:
    """Fails the test when the browser's console showed an error (a violated Content-Security-Policy
    is one, too) or when something was asked of another host."""
    visit = Visit(seeded, browser)
    yield visit
    await visit.close()
