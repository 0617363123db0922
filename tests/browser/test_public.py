"""The pool's open page and a miner by its name, seen by somebody without an account."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_anybody_sees_an_open_pool_and_finds_a_miner(visit: Visit):
    visit.tolerated = "status of 40"
    phone: Any = {"width": 390, "height": 800}
    await visit.seeded.rows("update pools set public_page = true, public_miners = true returning 1")
    await visit.seeded.rows("update pools set fee = 0.015, fee_published = true returning 1")
    await visit.seeded.rows("insert into sources (name) values ('eu1') on conflict do nothing")
    await visit.seeded.rows("update worker_figures set source_id = (select min(id) from sources)")
    try:
        page = await visit.open("#/", signed_in=False, viewport=phone, bypass_csp=True)
        await page.get_by_role("link", name="See the pool without signing in").click()
        await expect(page.locator("section[aria-label='Terms']")).to_contain_text("1.50 %")
        await expect(page.locator("section[aria-label='Stratum servers'] tbody tr")).to_have_count(
            1
        )
        await expect(page.get_by_text("Loading…")).to_have_count(0)
        assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]
        assert await violations(page) == []
        await page.get_by_label("Account name or address").fill("miner0")
        await page.get_by_role("button", name="Look up").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
        await expect(page.locator("section[aria-label='Workers'] tbody tr").first).to_be_visible()
        assert await violations(page) == []
        await page.goto(f"{visit.seeded.api.address}/#/public/miner/nobody%20here")
        await expect(page.get_by_role("alert")).to_contain_text("nobody here")
    finally:
        await visit.seeded.rows("update pools set public_page = false returning 1")
