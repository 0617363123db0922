"""Every view with real data: what stands there is what the API says."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit

PERIODS = {"1h": "PT1H", "1w": "P1W"}

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def names_in_table(page: Page) -> list[str]:
    return await page.locator("section[aria-label=Workers] tbody th a").all_inner_texts()


def card(page: Page, name: str):
    return page.locator(f"section[aria-label='{name}']")


async def test_pool_view(visit: Visit):
    page = await visit.open(f"#/pool/{visit.world.pool}")
    stats = await visit.world.call("GET", f"/pools/{visit.world.pool}/stats")
    exact = page.locator(".tile .number").first
    await expect(exact).to_have_attribute("title", f"{float(stats['15m']['hashrate']):,.2f} H/s")
    await expect(page.locator(".tile").last).to_contain_text("warming up")
    await expect(card(page, "Workers by status")).to_contain_text("unavailable")
    await expect(card(page, "Top miners").get_by_role("link")).to_have_text(["miner1", "miner0"])
    await expect(card(page, "Health of the service")).to_contain_text("Last flush of shares")
    silent = card(page, "Latest status transitions").locator("li", has_text="silent too long")
    await expect(silent.filter(has_text="rig0")).to_be_visible()
    await expect(page).to_have_title("pool · Hashgauge")


async def test_chart_tells_exact_figures_and_zooms_by_keyboard(visit: Visit):
    page = await visit.open(f"#/pool/{visit.world.pool}")
    chart = page.get_by_role("group", name="Hashrate of the pool")
    await page.get_by_role("button", name="1h").click()
    await expect(chart.locator("canvas")).to_be_visible()
    await chart.focus()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    legend = chart.locator(".u-legend")
    await expect(legend).to_contain_text("UTC)")
    await expect(legend).to_contain_text("H/s)")
    whole = page.get_by_role("button", name="Whole span")
    await expect(whole).to_be_hidden()
    await page.keyboard.press("+")
    await expect(whole).to_be_visible()
    await whole.click()
    await expect(whole).to_be_hidden()
    await expect(chart).to_be_focused()


def shown_from(timestamp: int) -> re.Pattern[str]:
    """The legend at the step that begins then."""
    return re.compile(f"From.*\\({datetime.fromtimestamp(timestamp, UTC):%H:%M} UTC\\)", re.S)


async def still_chart(visit: Visit, fragment: str, window: str) -> tuple[Locator, list[int]]:
    """The chart of a window, and when each of its steps begins; no newer answer moves it."""
    page = await visit.open(fragment)
    await expect(page.locator("canvas")).to_be_visible()
    async with page.expect_response(f"**/charts?period={PERIODS[window]}*") as answered:
        await page.get_by_role("button", name=window, exact=True).first.click()
    visit.tolerated = "net::ERR_FAILED"
    await page.route("**/charts?*", lambda route: route.abort())
    data = (await (await answered.value).json())["data"]
    points = (data if "points" in data else next(iter(data.values())))["points"]
    chart = page.get_by_role("group", name=re.compile(f"^Hashrate of .*, {window}"))
    await expect(chart).to_be_visible()
    return chart, [each["timestamp"] for each in points]


async def test_the_crosshair_tells_the_step_it_stands_in(visit: Visit):
    chart, times = await still_chart(visit, f"#/pool/{visit.world.pool}", "1h")
    legend, area = chart.locator(".u-legend"), chart.locator(".u-over")
    await expect(legend).to_have_text(shown_from(times[-1]))
    box = await area.bounding_box()
    assert box is not None
    # Four fifths into the fifth of twelve steps: nearer to the next point.
    await area.hover(position={"x": box["width"] * 4.8 / 12, "y": 40})
    await expect(legend).to_have_text(shown_from(times[4]))
    await area.hover(position={"x": box["width"] * 4.2 / 12, "y": 40})
    await expect(legend).to_have_text(shown_from(times[4]))


async def test_a_chart_begins_where_mining_began(visit: Visit):
    chart, times = await still_chart(visit, f"#/miner/{visit.world.miners['miner0']}", "1w")
    await chart.focus()
    for _ in range(12):
        await chart.press("ArrowLeft")
    # Three hours ago: of the week's 168 steps the fewest that a chart has.
    await expect(chart.locator(".u-legend")).to_have_text(shown_from(times[-8]))


async def test_a_service_without_a_pool_says_so(visit: Visit):
    page = await visit.open("", signed_in=False)
    nothing = {"user": None, "permissions": []}
    await page.route("**/user", lambda route: route.fulfill(json=nothing))
    visit.tolerated = "status of 401"  # before the route stood
    await page.reload()
    await expect(page.get_by_text("There is no pool yet")).to_be_visible()


async def test_miner_view(visit: Visit):
    page = await visit.open(f"#/miner/{visit.world.miners['miner0']}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0")
    # What needs a person stands first.
    row = page.locator("tbody tr", has_text="rig0").first
    await expect(row).to_contain_text("unavailable")
    assert (await names_in_table(page))[0] == "rig0"
    await expect(page.locator("svg.spark").first).to_be_visible()
    await expect(card(page, "Rejects by reason")).to_contain_text("stale")
    await expect(page.locator(".warming[title^='Warming up']").first).to_be_visible()


async def test_rejects_wait_for_the_work_that_they_are_a_share_of(visit: Visit):
    visit.tolerated = "net::ERR_FAILED"
    page = await visit.open("")
    await page.route("**/miners/stats?*", lambda route: route.abort())
    async with page.expect_response("**/miners/rejects?*"):
        await page.goto(f"{visit.world.api.address}/#/miner/{visit.world.miners['miner0']}")
    await expect(card(page, "Workers").locator("tbody tr")).to_have_count(25)
    rejects = card(page, "Rejects by reason")
    await expect(rejects).to_contain_text("Loading…")
    await page.unroute("**/miners/stats?*")
    await expect(rejects).to_contain_text("stale", timeout=20_000)


async def test_worker_table_sorts_filters_searches_and_turns_pages(visit: Visit):
    page = await visit.open(f"#/miner/{visit.world.miners['miner0']}")
    table = card(page, "Workers")
    await expect(table.locator("tbody tr")).to_have_count(25)
    await table.get_by_role("button", name="15m", exact=True).click()
    await expect(table.locator("th[aria-sort=descending]")).to_contain_text("15m")
    path = f"/miners/{visit.world.miners['miner0']}/workers?sort-by=hash_rate_15m"
    largest = (await visit.world.call("GET", f"{path}&sort-direction=desc"))["data"][0]["name"]
    await expect(table.locator("tbody th a").first).to_have_text(largest)
    await table.get_by_role("button", name="Next →").click()
    await expect(table.locator("tbody tr")).to_have_count(8)
    await table.get_by_label("Search by a part of the name").fill("rig1")
    await expect(table.locator("tbody tr")).to_have_count(5)
    assert set(await names_in_table(page)) == {f"rig{number}" for number in range(10, 20, 2)}
    await table.get_by_label("Search by a part of the name").fill("")
    await table.get_by_role("button", name="unavailable").click()
    await expect(table.locator("tbody tr")).to_have_count(1)
    await table.get_by_role("button", name="unavailable").click()
    await table.get_by_label("Behaviour").select_option("boundary")
    await expect(table.locator("tbody tr")).to_have_count(1)
    await expect(table.locator("tbody th")).to_contain_text("boundary")
    await table.get_by_label("Search by a part of the name").fill("nobody")
    await expect(table).to_contain_text("No worker matches")


async def test_daily_report_is_saved_with_the_callers_rights(visit: Visit, tmp_path: Path):
    page = await visit.open(f"#/miner/{visit.world.miners['miner0']}")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Daily report, CSV").click()
    download = await started.value
    assert download.suggested_filename.startswith("miner0-")
    await download.save_as(tmp_path / "report.csv")
    rows = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert "rig2" in {row["worker_name"] for row in rows}


async def test_worker_view(visit: Visit):
    worker = visit.world.workers["rig0"]
    page = await visit.open(f"#/worker/{worker}")
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner0 · rig0")
    await expect(page.locator("svg.timeline rect")).to_have_count(2)
    days = page.locator(".days li .number")
    await expect(days).to_have_count(7)
    # The stable time lies in today, or partly in yesterday shortly after midnight.
    await expect(days.last).to_contain_text("%")
    assert (await days.all_inner_texts())[:5] == ["–"] * 5
    changes = card(page, "Status transitions").locator("li")
    await expect(changes).to_have_count(2)
    await expect(changes.first).to_contain_text("silent too long")


async def test_what_does_not_exist_is_said_so(visit: Visit):
    visit.tolerated = "status of 404"
    page = await visit.open("#/miner/00000000-0000-4000-8000-000000000000")
    await expect(page.get_by_role("alert").last).to_contain_text("Go to the start page")
