"""Sizes, themes and accessibility of every view."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.async_api import Page, expect

from query_api.web.pages import DIST
from tests.browser.conftest import Visit
from tests.browser.world import World

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

AXE = DIST.parent / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("pool", "miner", "worker")
MAX_FIRST_LOAD_KB = 150
GRAVE = ("serious", "critical")


def address_of(view: str, world: World) -> str:
    uid = {"pool": world.pool, "miner": world.miners["miner0"], "worker": world.workers["rig0"]}
    return f"#/{view}/{uid[view]}"


async def settled(page: Page) -> None:
    """Chart, figures and live list are there."""
    await expect(page.locator("canvas")).to_be_visible()
    await expect(page.locator(".tile")).to_have_count(4)
    await expect(page.locator(".transitions li").first).to_be_visible()
    await expect(page.get_by_text("Loading…")).to_have_count(0)


@pytest.mark.parametrize("view", VIEWS)
async def test_a_phone_shows_it_without_scrolling_sideways(visit: Visit, view: str):
    phone = {"width": 360, "height": 740}
    page = await visit.open(address_of(view, visit.world), viewport=phone, has_touch=True)
    await settled(page)
    assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]


async def test_dark_and_light_follow_the_system_and_the_choice(visit: Visit):
    page = await visit.open(address_of("pool", visit.world), color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(background)
    await page.emulate_media(color_scheme="light")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert await page.evaluate(background) != dark
    await page.get_by_label("Theme").select_option("dark")
    assert await page.evaluate(background) == dark
    await page.reload()
    assert await page.evaluate(background) == dark, "the choice is remembered"


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("view", VIEWS)
async def test_accessibility_has_no_grave_findings(visit: Visit, view: str, theme: str):
    page = await visit.open(address_of(view, visit.world), color_scheme=theme, bypass_csp=True)
    await settled(page)
    await page.add_script_tag(path=AXE)
    found = await page.evaluate("axe.run().then(({ violations }) => violations)")
    grave = [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in found
        if violation["impact"] in GRAVE
    ]
    assert grave == []


async def test_the_keyboard_reaches_everything_and_skips_to_the_content(visit: Visit):
    page = await visit.open(address_of("miner", visit.world))
    await settled(page)
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    sort = page.get_by_role("button", name="Worker", exact=True)
    await sort.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Worker")


async def test_the_page_is_locked_down(visit: Visit):
    visit.tolerated = "status of 401"
    page = await visit.open("", signed_in=False)
    response = await page.reload()
    assert response is not None
    policy = (await response.all_headers())["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_first_load_is_small():
    page = (DIST / "index.html").read_text()
    files = [DIST / "index.html", *(DIST / path for path in re.findall(r'"/(assets/[^"]+)"', page))]
    assert len(files) == 4, "page, script, style, icon"
    size_kb = sum(len(gzip.compress(file.read_bytes())) for file in files) / 1024
    assert size_kb < MAX_FIRST_LOAD_KB
