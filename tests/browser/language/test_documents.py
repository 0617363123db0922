"""The documents for users, which the page's foot leads to."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from query_api.web.pages import DIST
from tests.browser.conftest import Visit
from tests.browser.site.axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

NAMES = sorted(path.stem for path in (DIST.parents[2] / "docs").glob("*.md"))


async def test_the_foot_leads_to_all_of_them(visit: Visit):
    page = await visit.open(f"#/pool/{visit.seeded.pool}")
    await page.get_by_role("contentinfo").get_by_role("link", name="Documents").click()
    links = page.locator("main a")
    hrefs = await links.evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert sorted(hrefs) == NAMES
    await page.get_by_role("link", name="The first hour").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("The first hour")
    await page.locator("a[href*='#http']").first.click()
    await expect(page.locator(":target")).to_have_text("HTTP")
    await page.get_by_role("link", name="Hashgauge").click()
    # Whoever may see one pool lands there.
    await expect(page.get_by_role("heading", level=1)).to_have_text("pool")


@pytest.mark.parametrize("name", ["contents", *NAMES])
async def test_each_fits_a_phone_and_is_accessible(visit: Visit, name: str):
    page: Page = await visit.open(
        f"documents/{name}",
        signed_in=False,
        viewport={"width": 390, "height": 800},
        bypass_csp=True,
    )
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    assert await violations(page) == []


async def test_a_document_is_as_locked_down_as_the_page(visit: Visit):
    page = await visit.open("documents/first-hour", signed_in=False)
    answer = await page.reload()
    assert answer is not None
    policy = (await answer.all_headers())["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
