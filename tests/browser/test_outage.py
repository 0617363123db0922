"""The API goes away and comes back: the page says so, keeps what it had, and recovers by itself."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_the_page_survives_an_outage_of_the_api(visit: Visit):
    seeded = visit.seeded
    visit.tolerated = "net::ERR_"
    page = await visit.open("")
    await page.clock.install()
    await page.goto(f"{seeded.api.address}/#/worker/{seeded.workers['rig2']}")
    await expect(page.locator(".tile")).to_have_count(4)
    trouble = page.get_by_role("alert")
    await expect(trouble).to_have_count(0)
    seeded.api.stop()
    try:
        # This view's figures are asked for every 15 s.
        await page.clock.run_for(16_000)
        await expect(trouble).to_contain_text("The service does not answer")
        await expect(page.locator(".tile")).to_have_count(4)
    finally:
        seeded.api.start()
    await seeded.advance()
    # Tried again after 30 s at the latest.
    await page.clock.run_for(31_000)
    await expect(trouble).to_have_count(0)


async def test_a_view_that_cannot_be_fetched_says_so_and_the_page_can_be_loaded_again(visit: Visit):
    # A newer release holds its files under other names.
    visit.tolerated = "status of 404"
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    await page.route("**/assets/money-*.js", lambda route: route.fulfill(status=404))
    await page.get_by_role("link", name="Money").click()
    await expect(page.get_by_text("This part of the page could not be loaded")).to_be_visible()
    await page.unroute("**/assets/money-*.js")
    await page.get_by_role("button", name="Load the page again").click()
    await expect(page.get_by_role("heading", name="Balance")).to_be_visible()
