"""The page follows the service: new figures, new events, and rest while nobody looks."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.site.seeded_pool import DIFFICULTY, WAKING_WORKER, minutes_now
from tests.integration.figures.fake_intake import Work

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

ASKED_AGAIN_MS = 16_000
"""Lists, which say nothing of their age, are asked for every 15 s."""
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
}"""


async def test_events_come_live(visit: Visit):
    seeded = visit.seeded
    page = await visit.open(f"#/pool/{seeded.pool}")
    newest = page.locator(".transitions li").first
    await expect(newest).to_contain_text("hosted")
    await expect(page.get_by_text("● live")).to_be_visible()
    # From here on it can only come by the stream.
    visit.tolerated = "net::ERR_FAILED"
    await page.route("**/overview", lambda route: route.abort())
    await seeded.rows(
        "insert into events (event_id, kind, at, source_id, cause, workers)"
        " values (%s, 'source-silent', now(), 1, 'source_silent', 32)",
        uuid4(),
    )
    await seeded.number_events()
    await expect(newest).to_contain_text("Stratum server eu ▲ went silent 32 workers")


async def test_a_share_ends_a_silence_on_the_screen(visit: Visit):
    seeded = visit.seeded
    page = await visit.open("")
    await page.clock.install()
    await page.goto(f"{seeded.api.address}/#/miner/{seeded.miners['miner1']}")
    rig = page.get_by_role("rowheader").get_by_role("link", name="rig1", exact=True)
    row = page.get_by_role("row").filter(has=rig)
    await expect(row).to_contain_text("unavailable")
    await expect(page.get_by_text("● live")).to_be_visible()
    now = minutes_now()
    await seeded.advance(Work(int(now), WAKING_WORKER, DIFFICULTY, second=int(now * 60 % 60)))
    newest = page.locator(".transitions li").first
    await expect(newest).to_contain_text("▲ unavailable → ● stable a share came")
    await page.clock.run_for(ASKED_AGAIN_MS)
    await expect(row).to_contain_text("stable")


async def test_a_hidden_tab_asks_nothing(visit: Visit):
    page = await visit.open("")
    await page.clock.install()
    await page.goto(f"{visit.seeded.api.address}/#/pool/{visit.seeded.pool}")
    await page.reload()
    await expect(page.locator(".tile").first).to_be_visible()
    await expect(page.locator("canvas").first).to_be_visible()
    await visit.all_is_answered()
    await page.evaluate(HIDE, True)
    visit.requests.clear()
    await page.clock.run_for(600_000)
    assert visit.requests == []
    async with page.expect_request("**/overview"):
        await page.evaluate(HIDE, False)
