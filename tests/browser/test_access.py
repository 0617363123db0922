"""Ways in: an API key, and a watcher link whose token reaches no address and no log."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_a_watcher_link_opens_its_miner_and_leaves_no_trace(visit: Visit):
    visit.tolerated = "status of 401"  # after leaving
    token = visit.world.watcher_token
    page = await visit.open(f"#watch={token}", signed_in=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
    await expect(page.locator("section[aria-label=Workers] tbody tr").first).to_be_visible()
    assert page.url == f"{visit.world.api.address}/#/miner/{visit.world.miners['miner0']}"
    assert await page.evaluate("history.length") <= 2, "the link itself is not in the history"
    # Playwright tells the first address with its fragment, which the browser never sends.
    asked = [url.partition("#")[0] for url in visit.requests]
    assert [url for url in asked if token in url] == []
    await page.get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_watcher_link_shows_nothing_else(visit: Visit):
    visit.tolerated = "status of 403"
    page = await visit.open(f"#watch={visit.world.watcher_token}", signed_in=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
    await page.goto(f"{visit.world.api.address}/#/pool/{visit.world.pool}")
    await expect(page.get_by_text("You have no right to see this.")).to_be_visible()


async def test_a_revoked_watcher_link_says_so(visit: Visit):
    visit.tolerated = "status of 401"
    page = await visit.open(f"#watch=hfwl_{'0' * 64}", signed_in=False)
    await expect(page.get_by_text("not valid any more")).to_be_visible()


async def test_a_watcher_link_pasted_over_the_start_page_works(visit: Visit):
    visit.tolerated = "status of 401"  # before the link
    page = await visit.open("", signed_in=False)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(f"{visit.world.api.address}/#watch={visit.world.watcher_token}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")


async def test_signing_in_with_an_api_key(visit: Visit):
    visit.tolerated = "status of 401"  # before signing in
    page = await visit.open("", signed_in=False)
    await page.get_by_label("API key").fill(visit.world.key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("pool")
    assert all(visit.world.key not in url for url in visit.requests)
