"""Ways in: an API key, and a watcher link whose token reaches no address and no log."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_a_watcher_link_opens_its_miner_and_leaves_no_trace(visit: Visit):
    visit.tolerated = "status of 401"  # after leaving
    visit.tolerated = "status of 40"  # payments are not opened; after leaving, nothing is
    token = visit.seeded.watcher_token
    page = await visit.open(f"#watch={token}", signed_in=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
    await expect(page.locator("section[aria-label=Workers] tbody tr").first).to_be_visible()
    assert page.url == f"{visit.seeded.api.address}/#/miner/{visit.seeded.miners['miner0']}"
    assert await page.evaluate("history.length") <= 2, "the link itself is not in the history"
    # Playwright tells the first address with its fragment, which the browser never sends.
    asked = [url.partition("#")[0] for url in visit.requests]
    assert [url for url in asked if token in url] == []
    await page.get_by_role("button", name="Leave").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_watcher_link_shows_nothing_else(visit: Visit):
    visit.tolerated = "status of 403"
    page = await visit.open(f"#watch={visit.seeded.watcher_token}", signed_in=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
    await page.goto(f"{visit.seeded.api.address}/#/pool/{visit.seeded.pool}")
    await expect(page.get_by_text("You have no right to see this")).to_be_visible()


async def test_a_revoked_watcher_link_says_so(visit: Visit):
    visit.tolerated = "status of 401"
    page = await visit.open(f"#watch=hfwl_{'0' * 64}", signed_in=False)
    await expect(page.get_by_text("not valid any more")).to_be_visible()


async def test_a_watcher_link_pasted_over_the_start_page_works(visit: Visit):
    visit.tolerated = "status of 40"  # before the link, and payments after it
    page = await visit.open("", signed_in=False)
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(f"{visit.seeded.api.address}/#watch={visit.seeded.watcher_token}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")


async def test_signing_in_with_an_api_key(visit: Visit):
    visit.tolerated = "status of 401"  # before signing in
    page = await visit.open("", signed_in=False)
    await page.get_by_label("API key").fill(visit.seeded.key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("pool")
    assert all(visit.seeded.key not in url for url in visit.requests)


async def test_a_wrong_key_is_said_to_be_one(visit: Visit):
    visit.tolerated = "status of 401"
    page = await visit.open("", signed_in=False)
    for _ in range(2):
        await page.get_by_label("API key").fill("hfk_of_nobody_at_all_0123456789abcdef")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Nobody has this key")
    await page.get_by_label("API key").fill("x")
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_an_internal_key_works_in_the_form(visit: Visit):
    visit.tolerated = "status of 401"
    page = await visit.open("", signed_in=False)
    await page.get_by_label("API key").fill(visit.seeded.internal_key)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("pool")
    await expect(page.get_by_role("button", name="internal key Leave")).to_be_visible()


async def test_a_key_lasts_only_on_request(visit: Visit):
    visit.tolerated = "status of 401"
    page = await visit.open("", signed_in=False)
    for lasting in (False, True):
        await page.get_by_label("API key").fill(visit.seeded.key)
        if lasting:
            await page.get_by_label("Stay signed in on this device").check()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("pool")
        another = await page.context.new_page()
        await another.goto(visit.seeded.api.address)
        title = "pool" if lasting else "Sign in"
        await expect(another.get_by_role("heading", level=1)).to_have_text(title)
        await another.close()
        await page.get_by_role("button", name="Leave").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_watcher_link_opens_in_the_next_tab_too(visit: Visit):
    visit.tolerated = "status of 403"  # payments
    page = await visit.open(f"#watch={visit.seeded.watcher_token}", signed_in=False)
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
    bookmark = await page.context.new_page()
    await bookmark.goto(page.url)
    await expect(bookmark.get_by_role("heading", level=1)).to_have_text("miner0")
