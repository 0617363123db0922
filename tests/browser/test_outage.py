"""The API goes away and comes back: the page says so, keeps what it had, and recovers by itself."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_the_page_survives_an_outage_of_the_api(visit: Visit):
    world = visit.world
    visit.tolerated = "net::ERR_"
    page = await visit.open("")
    await page.clock.install()
    await page.goto(f"{world.api.address}/#/worker/{world.workers['rig2']}")
    await expect(page.locator(".tile")).to_have_count(4)
    trouble = page.get_by_role("alert")
    await expect(trouble).to_have_count(0)
    world.api.stop()
    try:
        # This view's figures are asked for every 15 s.
        await page.clock.run_for(16_000)
        await expect(trouble).to_contain_text("The service does not answer")
        await expect(page.locator(".tile")).to_have_count(4)
    finally:
        world.api.start()
    await world.advance()
    # Tried again after 30 s at the latest.
    await page.clock.run_for(31_000)
    await expect(trouble).to_have_count(0)
