"""One chromium and one world for all tests of the dashboard; a fresh page for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from query_api.web.pages import DIST
from tests.browser.world import World, build_world, close_world
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


@pytest.fixture(scope="package")
def package_database_url(
    postgres_server: EmbeddedPostgres, template_database: str
) -> Iterator[str]:
    yield from _database(postgres_server, template_database)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def lasting_world(package_database_url: str) -> AsyncIterator[World]:
    assert (DIST / "index.html").exists(), "build the dashboard first: make web"
    world = await build_world(package_database_url)
    yield world
    await close_world(world)


@pytest_asyncio.fixture(loop_scope="package")
async def world(lasting_world: World) -> World:
    """With figures of this very moment."""
    await lasting_world.advance()
    return lasting_world


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class Visit:
    """A visitor: opens pages of the dashboard, and what was wrong or asked for on the way."""

    world: World
    browser: Browser
    problems: list[str] = field(default_factory=list)
    tolerated: str | None = None
    """Part of what the browser writes to its console about a request that fails on purpose."""
    requests: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def open(self, fragment: str, **options: Any) -> Page:
        """The view at `fragment` in a context of its own, signed in unless told otherwise."""
        signed_in = options.pop("signed_in", True)
        context = await self.browser.new_context(**options)
        self.contexts.append(context)
        if signed_in:
            await context.add_init_script(
                f"sessionStorage.setItem('hashgauge.key', '{self.world.key}')"
            )
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: m.type == "error" and self.problems.append(m.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        await page.goto(f"{self.world.api.address}/{fragment}")
        return page


@pytest_asyncio.fixture(loop_scope="package")
async def visit(world: World, browser: Browser) -> AsyncIterator[Visit]:
    """Fails the test when the browser's console showed an error (a violated Content-Security-Policy
    is one, too) or when something was asked of another host."""
    visit = Visit(world, browser)
    yield visit
    for context in visit.contexts:
        await context.close()
    expected = visit.tolerated
    assert [text for text in visit.problems if expected is None or expected not in text] == []
    elsewhere = [url for url in visit.requests if not url.startswith((world.api.address, "blob:"))]
    assert elsewhere == []
