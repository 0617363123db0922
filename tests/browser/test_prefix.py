"""Below a path of a proxy that strips it (`location /hashgauge/ { proxy_pass http://api/; }`)."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.site.seeded_pool import PREFIX
from tests.integration.api.client import BASE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


def asked_elsewhere(visit: Visit, address: str) -> list[str]:
    return [url for url in visit.requests if not url.startswith(f"{address}/")]


async def test_the_dashboard_and_its_live_events_work_below_a_prefix(visit: Visit):
    seeded, address = visit.seeded, f"{visit.seeded.api.address}{PREFIX}"
    page = await visit.open(f"{PREFIX[1:]}/#/miner/{seeded.miners['miner0']}")
    table = page.locator("section[aria-label=Workers]")
    await expect(table.locator("tbody tr").first).to_be_visible()
    await table.locator("tbody th a").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("rig")
    await page.reload()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("rig")
    assert any(f"{BASE}/" in url and "/events" in url for url in visit.requests)
    assert asked_elsewhere(visit, address) == []


async def test_the_reference_calls_the_api_below_a_prefix(visit: Visit):
    address = f"{visit.seeded.api.address}{PREFIX}"
    page = await visit.open(f"{PREFIX[1:]}{BASE}/docs", signed_in=False)
    await expect(page.locator(".opblock").first).to_be_visible()
    await expect(page.locator(".servers select")).to_have_value(address)
    assert asked_elsewhere(visit, address) == []
