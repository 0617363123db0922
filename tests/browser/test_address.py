"""What is chosen stands in the address: a reload, the way back and a colleague see the same."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


def workers(page: Page) -> Locator:
    return page.locator("section[aria-label=Workers]")


async def chosen(page: Page) -> None:
    table = workers(page)
    await expect(table.get_by_label("Search by a part of the name")).to_have_value("rig1")
    await expect(table.get_by_role("button", name="stable")).to_have_attribute(
        "aria-pressed", "true"
    )
    await expect(table.locator("th[aria-sort=descending]")).to_contain_text("1h")
    period = page.get_by_role("group", name="Period")
    await expect(period.get_by_role("button", name="1w")).to_have_attribute("aria-pressed", "true")


async def test_list_and_period_survive_reload_and_back(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    table = workers(page)
    await page.get_by_role("group", name="Period").get_by_role("button", name="1w").click()
    await table.get_by_label("Search by a part of the name").fill("rig1")
    await table.get_by_role("button", name="stable").click()
    await table.get_by_role("button", name="1h", exact=True).click()
    await chosen(page)
    address = page.url
    await page.reload()
    await chosen(page)
    await table.locator("tbody th a").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("rig1")
    await page.go_back()
    await chosen(page)
    assert page.url == address
    colleague = await visit.open(address.partition("/#")[2].join(["#", ""]))
    await chosen(colleague)


async def test_pages_are_turned_and_jumped_to(visit: Visit):
    page = await visit.open(f"#/pool/{visit.seeded.pool}?rows=10")
    table = workers(page)
    await expect(table.locator("tbody tr")).to_have_count(10)
    await table.get_by_role("spinbutton").fill("7")
    await table.get_by_role("spinbutton").press("Enter")
    await expect(table.locator("nav")).to_contain_text("61–")
    await page.reload()
    await expect(table.locator("nav")).to_contain_text("61–")


async def test_an_emptied_page_says_so_and_leads_back(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}?offset=1000")
    await expect(workers(page)).to_contain_text("This page is empty now")
    await workers(page).get_by_role("button", name="← Previous").click()
    await expect(workers(page).locator("tbody tr").first).to_be_visible()


async def test_a_status_is_a_way_to_its_workers(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    statuses = page.locator("section[aria-label='Workers by status']")
    await statuses.get_by_role("link", name="unavailable").click()
    await expect(workers(page).locator("tbody tr")).to_have_count(1)
    await expect(workers(page).locator("tbody th")).to_contain_text("rig0")


async def is_scrolled_to(page: Page, y: int) -> None:
    """The page's policy forbids the browser to evaluate text, so it is asked again and again."""
    async with asyncio.timeout(20):
        while await page.evaluate("[Math.round(scrollY), history.state?.scroll]") != [y, y]:
            await asyncio.sleep(0.05)


async def test_scroll_is_where_it_was_left(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    await expect(workers(page).locator("tbody tr")).to_have_count(25)
    await expect(page.locator("canvas").first).to_be_visible()
    await page.evaluate("scrollTo(0, 700)")
    await is_scrolled_to(page, 700)
    await workers(page).locator("tbody th a").nth(20).evaluate("link => link.click()")
    await expect(page.locator("svg.timeline")).to_be_visible()
    await page.go_back()
    await is_scrolled_to(page, 700)
    await page.reload()
    await is_scrolled_to(page, 700)


async def test_every_miner_of_the_pool_is_reached(visit: Visit):
    page = await visit.open(f"#/pool/{visit.seeded.pool}")
    miners = page.locator("section[aria-label=Miners]")
    await expect(miners.locator("tbody tr")).to_have_count(2)
    await miners.get_by_role("link", name="miner1").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner1")


async def test_miners_are_found_sorted_compared_and_sent_to_a_colleague(visit: Visit):
    page = await visit.open(f"#/pool/{visit.seeded.pool}")
    miners = page.locator("section[aria-label=Miners]")
    await miners.get_by_role("button", name="15m", exact=True).click()
    await expect(miners.locator("tbody th a")).to_have_text(["miner1", "miner0"])
    await miners.get_by_role("button", name="unavailable").click()
    await expect(miners.get_by_role("button", name="unavailable")).to_contain_text("2")
    for name in ("miner0", "miner1"):
        await miners.get_by_label(f"Compare {name}").check()
    comparison = page.locator("section[aria-label=Comparison]")
    await expect(comparison.locator(".u-legend .u-series")).to_have_count(3)
    await miners.get_by_role("searchbox").fill("INER1")
    await expect(miners.locator("tbody th a")).to_have_text(["miner1"])
    colleague = await visit.open(page.url.partition("/#")[2].join(["#", ""]))
    miners = colleague.locator("section[aria-label=Miners]")
    await expect(miners.locator("tbody th a")).to_have_text(["miner1"])
    await expect(miners.locator("th[aria-sort=descending]")).to_contain_text("15m")
    await miners.get_by_role("searchbox").fill("of nobody")
    await expect(miners).to_contain_text("No miner matches")


async def test_who_goes_on_before_the_start_page_has_led_anywhere_stays_there(visit: Visit):
    """With one pool to see, the start page leads to it as soon as it knows."""
    miner = visit.seeded.miners["miner0"]
    page = await visit.open("")
    await page.wait_for_url("**/#/pool/*")
    # Between the first picture and the moment when the page listens for addresses.
    await page.add_init_script(
        """
        const listen = window.addEventListener
        window.addEventListener = function (name, ...rest) {
          if (name === 'hashchange') history.replaceState(null, '', '#/miner/MINER')
          return listen.call(this, name, ...rest)
        }
        """.replace("MINER", miner)
    )
    await page.goto(f"{visit.seeded.api.address}/?again#/")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("miner0")
    await visit.all_is_answered()
    assert page.url.endswith(f"#/miner/{miner}")
