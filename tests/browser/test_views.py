"""Every view with real data: what stands there is what the API says."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit

PERIODS = {"1h": "PT1H", "1w": "P1W"}

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def names_in_table(page: Page) -> list[str]:
    return await page.locator("section[aria-label=Workers] tbody th a").all_inner_texts()


STEPS_OF_DAY = 96


def card(page: Page, name: str):
    return page.locator(f"section[aria-label='{name}']")


async def test_pool_view(visit: Visit):
    page = await visit.open(f"#/pool/{visit.seeded.pool}")
    stats = await visit.seeded.call("GET", f"/pools/{visit.seeded.pool}/stats")
    exact = page.locator(".tile .number").first
    await expect(exact).to_have_attribute("title", f"{Decimal(stats['15m']['hashrate']):,.2f} H/s")
    await expect(page.locator(".tile").last).to_contain_text("warming up")
    await expect(card(page, "Workers by status")).to_contain_text("unavailable")
    await expect(card(page, "Top miners").get_by_role("link")).to_have_text(["miner1", "miner0"])
    await expect(card(page, "Health of the service")).to_contain_text("Last flush of shares")
    silent = card(page, "Latest status transitions").locator("li", has_text="silent too long")
    await expect(silent.filter(has_text="rig0")).to_be_visible()
    await expect(page).to_have_title("pool · Hashgauge")


async def test_chart_tells_exact_figures_and_zooms_by_keyboard(visit: Visit):
    page = await visit.open(f"#/pool/{visit.seeded.pool}")
    chart = page.get_by_role("group", name="Hashrate of the pool")
    await page.get_by_role("group", name="Period").get_by_role("button", name="1d").click()
    await expect(chart.locator("canvas")).to_be_visible()
    await chart.focus()
    legend = chart.locator(".u-legend")
    # The pool was made for the first test of the package: its newest steps may be empty by now.
    for _ in range(STEPS_OF_DAY):
        await page.keyboard.press("ArrowLeft")
        if "H/s)" in await legend.inner_text():
            break
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
    """The chart of a window, and when each of its steps begins and the last one ends: that of the
    interval in progress, if there is one. No newer answer moves it."""
    page = await visit.open(fragment)
    await expect(page.locator("canvas").first).to_be_visible()
    asked = f"**/charts?period={PERIODS[window]}*running=true*"
    async with page.expect_response(asked) as answered:
        await page.get_by_role("button", name=window, exact=True).first.click()
    visit.tolerated = "net::ERR_FAILED"
    await page.route("**/charts?*", lambda route: route.abort())
    data = (await (await answered.value).json())["data"]
    series = data if "points" in data else next(iter(data.values()))
    points, running = series["points"], series["running"]
    to = running["to"] if running else (await (await answered.value).json())["to"]
    chart = page.get_by_role("group", name=re.compile(f"^Hashrate of .*, {window}"))
    await expect(chart).to_be_visible()
    end = int(datetime.fromisoformat(to).timestamp())
    return chart, [*(each["timestamp"] for each in points), end]


async def test_the_crosshair_tells_the_step_it_stands_in(visit: Visit):
    chart, times = await still_chart(visit, f"#/pool/{visit.seeded.pool}", "1h")
    legend, area = chart.locator(".u-legend"), chart.locator(".u-over")
    await expect(legend).to_have_text(shown_from(times[-2]))
    box = await area.bounding_box()
    assert box is not None
    step = box["width"] * 300 / (times[-1] - times[0])
    # Four fifths into the fifth of twelve steps: nearer to the next point.
    await area.hover(position={"x": step * 4.8, "y": 40})
    await expect(legend).to_have_text(shown_from(times[4]))
    await area.hover(position={"x": step * 4.2, "y": 40})
    await expect(legend).to_have_text(shown_from(times[4]))


async def test_a_chart_begins_where_mining_began(visit: Visit):
    chart, times = await still_chart(visit, f"#/miner/{visit.seeded.miners['miner0']}", "1w")
    await chart.focus()
    for _ in range(12):
        await chart.press("ArrowLeft")
    # Three hours ago: of the week's 168 steps the fewest that a chart has.
    await expect(chart.locator(".u-legend")).to_have_text(shown_from(times[-9]))


async def test_a_service_without_a_pool_says_so(visit: Visit):
    page = await visit.open("", signed_in=False)
    nothing = {"user": None, "permissions": []}
    await page.route("**/user", lambda route: route.fulfill(json=nothing))
    visit.tolerated = "status of 401"  # before the route stood
    await page.reload()
    await expect(page.get_by_role("heading", name="There is no pool yet")).to_be_visible()


async def test_miner_view(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
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
        await page.goto(f"{visit.seeded.api.address}/#/miner/{visit.seeded.miners['miner0']}")
    await expect(card(page, "Workers").locator("tbody tr")).to_have_count(25)
    rejects = card(page, "Rejects by reason")
    await expect(rejects).to_contain_text("Loading…")
    await page.unroute("**/miners/stats?*")
    await expect(rejects).to_contain_text("stale", timeout=20_000)


async def test_worker_table_sorts_filters_searches_and_turns_pages(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    table = card(page, "Workers")
    await expect(table.locator("tbody tr")).to_have_count(25)
    await table.get_by_role("button", name="15m", exact=True).click()
    await expect(table.locator("th[aria-sort=descending]")).to_contain_text("15m")
    path = f"/miners/{visit.seeded.miners['miner0']}/workers?sort-by=hash_rate_15m"
    largest = (await visit.seeded.call("GET", f"{path}&sort-direction=desc"))["data"][0]["name"]
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
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Daily report, CSV").click()
    download = await started.value
    assert download.suggested_filename.startswith("miner0-")
    await download.save_as(tmp_path / "report.csv")
    rows = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert "rig2" in {row["worker_name"] for row in rows}


async def test_worker_view(visit: Visit):
    worker = visit.seeded.workers["rig0"]
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
    known = await visit.seeded.call("GET", f"/workers/{worker}")
    counts = known["shares"]["1w"]
    week = card(page, "Shares").locator("tr", has=page.get_by_role("rowheader", name="1w"))
    assert counts["accepted"] > 0
    await expect(week.locator("td").nth(0)).to_have_text(f"{counts['accepted']:,}")
    await expect(week.locator("td").nth(1)).to_have_text(f"{counts['rejected']:,}")
    performance = card(page, "Performance")
    await expect(performance).to_contain_text("known after a day")
    await expect(performance.locator("tr", has_text="Uptime, 7 days")).to_contain_text("%")


async def test_a_worker_below_its_own_week_is_marked(visit: Visit):
    seeded, worker = visit.seeded, visit.seeded.workers["rig4"]
    week = "update worker_figures set accepted_1w = accepted_1w {} from workers where uid = %s"
    week = f"{week} and id = worker_id"
    begun = "update workers set created_at = created_at {} interval '30 days' where uid = %s"
    await seeded.rows(begun.format("-"), worker)
    await seeded.rows(week.format("* 1024"), worker)
    try:
        page = await visit.open(f"#/miner/{seeded.miners['miner0']}?search=rig4")
        row = card(page, "Workers").locator("tbody tr", has_text="rig4").first
        await expect(row.locator(".badge")).to_have_text("low")
        await row.get_by_role("link").click()
        await expect(page.locator("header.title .badge")).to_have_text("low")
        await expect(card(page, "Performance")).to_contain_text("by chance")
    finally:
        await seeded.rows(week.format("/ 1024"), worker)
        await seeded.rows(begun.format("+"), worker)


async def test_what_does_not_exist_is_said_so(visit: Visit):
    visit.tolerated = "status of 404"
    page = await visit.open("#/miner/00000000-0000-4000-8000-000000000000")
    await expect(page.get_by_role("alert").last).to_contain_text("Go to the start page")


async def test_rows_are_compared_and_a_range_is_chosen(visit: Visit):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    table = page.get_by_role("region", name="Table of workers")
    for name in ("rig10", "rig12"):
        await table.get_by_label(f"Compare {name}", exact=True).check()
    comparison = page.locator("section[aria-label='Comparison']")
    await expect(comparison.locator(".u-legend .u-series")).to_have_count(3)
    await expect(comparison.locator(".u-legend")).to_contain_text("rig12")
    await page.reload()
    await expect(comparison.locator(".u-legend")).to_contain_text("rig10")
    await comparison.get_by_role("button", name="Clear the selection").click()
    await expect(comparison).to_have_count(0)
    chart = page.locator("section[aria-label='Hashrate of miner0']")
    async with page.expect_response("**/charts?from=*") as answered:
        await chart.get_by_role("button", name="quarter").click()
    assert (await (await answered.value).json())["interval"] == "PT6H"
    await chart.get_by_role("button", name="range", exact=True).click()
    await expect(chart.get_by_label("From")).to_be_visible()
    await chart.get_by_role("button", name="Period before").click()
    await expect(chart.locator(".u-legend")).to_contain_text("Period before")


async def test_what_is_shown_can_be_saved(visit: Visit, tmp_path: Path):
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}?rows=10")
    table = card(page, "Workers")
    await expect(table.locator("tbody tr")).to_have_count(10)
    shown = await names_in_table(page)
    saved = {}
    for kind in ("CSV", "Parquet"):
        async with page.expect_download() as started:
            await table.get_by_role("button", name=kind).click()
        download = await started.value
        saved[kind] = tmp_path / download.suggested_filename
        await download.save_as(saved[kind])
    with saved["CSV"].open(encoding="utf-8-sig", newline="") as file:
        assert [line["name"] for line in csv.DictReader(file)] == shown
    assert parquet.read_table(saved["Parquet"]).column("name").to_pylist() == shown
    chart = card(page, "Hashrate of miner0")
    async with page.expect_download() as started:
        await chart.get_by_role("button", name="Parquet").click()
    download = await started.value
    assert download.suggested_filename == "hashrate-1d.parquet"
    await download.save_as(tmp_path / "chart.parquet")
    assert "hashrate_hps" in parquet.read_table(tmp_path / "chart.parquet").column_names
