"""Sizes, themes and accessibility of every view."""

from __future__ import annotations

import gzip
import re
from collections import Counter

import pytest
from playwright.async_api import Page, Route, expect

from query_api.web.pages import DIST
from tests.browser.conftest import Visit
from tests.browser.site.axe import violations
from tests.browser.site.seeded_pool import SeededPool

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

VIEWS = ("pool", "miner", "worker")
MAX_FIRST_LOAD_KB = 80


def address_of(view: str, seeded: SeededPool) -> str:
    uid = {"pool": seeded.pool, "miner": seeded.miners["miner0"], "worker": seeded.workers["rig0"]}
    return f"#/{view}/{uid[view]}"


async def at_rest(page: Page) -> None:
    """Chart, figures and live list are there."""
    await expect(page.locator("canvas").first).to_be_visible()
    await expect(page.locator(".tile")).to_have_count(4)
    await expect(page.locator(".transitions li").first).to_be_visible()
    await expect(page.get_by_text("Loading…")).to_have_count(0)


@pytest.mark.parametrize("view", VIEWS)
async def test_a_phone_shows_it_without_scrolling_sideways(visit: Visit, view: str):
    phone = {"width": 360, "height": 740}
    page = await visit.open(address_of(view, visit.seeded), viewport=phone, has_touch=True)
    await at_rest(page)
    assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]


async def test_dark_and_light_follow_the_system_and_the_choice(visit: Visit):
    page = await visit.open(address_of("pool", visit.seeded), color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(background)
    await page.emulate_media(color_scheme="light")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert await page.evaluate(background) != dark
    await page.get_by_label("Theme").select_option("dark")
    assert await page.evaluate(background) == dark
    await page.reload()
    assert await page.evaluate(background) == dark, "the choice is remembered"


LONG_NAME = "bc1qkccs46px080aeqlt70kcu9x06qxyp5u9smfxr3"


async def test_long_and_odd_names_widen_nothing(visit: Visit):
    miner = visit.seeded.miners["miner0"]
    page = await visit.open("", viewport={"width": 390, "height": 800}, has_touch=True)

    async def rename(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.text()
        named = body.replace('"account_name":"miner0"', f'"account_name":"{LONG_NAME}"')
        title = "\u202eright to left, and a very long title"
        odd = named.replace('"title":null', f'"title":"{title}"')
        await route.fulfill(response=answer, body=odd)

    await page.route(f"**/miners/{miner}", rename)
    await page.goto(f"{visit.seeded.api.address}/#/miner/{miner}")
    await at_rest(page)
    await expect(page.locator("h1 bdi")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 390


async def test_a_choice_shows_in_forced_colours(visit: Visit):
    page = await visit.open(address_of("pool", visit.seeded), forced_colors="active")
    await at_rest(page)
    period = page.get_by_role("group", name="Period")
    background = "button => getComputedStyle(button).backgroundColor"
    chosen = await period.get_by_role("button", name="1d").evaluate(background)
    other = await period.get_by_role("button", name="1h").evaluate(background)
    assert chosen != other


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("view", VIEWS)
async def test_accessibility_has_no_findings(visit: Visit, view: str, theme: str):
    page = await visit.open(address_of(view, visit.seeded), color_scheme=theme, bypass_csp=True)
    await at_rest(page)
    assert await violations(page) == []


@pytest.mark.parametrize("fragment", ["", "#/miner/00000000-0000-4000-8000-000000000000"])
async def test_start_page_and_refusals_have_none_either(visit: Visit, fragment: str):
    visit.tolerated = "status of 40"
    page = await visit.open(fragment, signed_in=fragment != "", bypass_csp=True)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert await violations(page) == []


async def test_the_keyboard_reaches_everything_and_skips_to_the_content(visit: Visit):
    page = await visit.open(address_of("miner", visit.seeded))
    await at_rest(page)
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
    files = [
        DIST / "index.html",
        *(DIST / path for path in re.findall(r'"{{root}}(assets/[^"]+)"', page)),
    ]
    kinds = Counter(file.suffix for file in files)
    assert (kinds[".css"], kinds[".png"], kinds[".svg"], kinds[".webmanifest"]) == (1, 1, 1, 1)
    assert kinds[".js"] > 1, "the script, and what it cannot begin without"
    size_kb = sum(len(gzip.compress(file.read_bytes())) for file in files) / 1024
    assert size_kb < MAX_FIRST_LOAD_KB


async def test_names_that_look_the_same_can_be_told_apart(visit: Visit):
    odd = {"rig10": "   ", "rig12": "rig\u200b12", "rig14": "r\u0456g14", "rig16": "m\u00f6lle 7"}
    rename = (
        "update workers set name = %s where name = %s and miner_id = "
        "(select id from miners where account_name = 'miner0')"
    )
    for name, other in odd.items():
        await visit.seeded.rows(rename, other, name)
    try:
        page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}?rows=100")
        names = page.locator("section[aria-label=Workers] tbody th .name")
        for shown in ("␣␣␣", "rig⟨U+200B⟩12", "r\u0456g14U+", "m\u00f6lle 7"):
            await expect(names.filter(has_text=shown).first).to_be_visible()
        twin = names.filter(has_text="r\u0456g14")
        await expect(twin).to_have_attribute("title", "U+0072 U+0456 U+0067 U+0031 U+0034")
        await expect(names.filter(has_text="rig0").first).not_to_have_attribute("title", "U+0072")
    finally:
        for name, other in odd.items():
            await visit.seeded.rows(rename, name, other)
