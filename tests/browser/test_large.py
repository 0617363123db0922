"""A miner of 5,000 workers: how much is asked for and sent before its table, on a slow network, and
its lists of every size, in every theme, by keyboard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations
from tests.browser.site.seeded_pool import SeededPool

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

WORKERS = 5_000
MAX_BEFORE_TABLE_KB = 160
"""Compressed: page, script, style, and the answers of all parts of a miner's view."""
MAX_REQUESTS = 30
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 200_000,
}
"""1.6 Mbit/s, 150 ms."""
SIZES = ({"width": 390, "height": 800}, {"width": 1400, "height": 900})
MOST = "ferme-\u00e9olienne-avec-un-nom-d\u2019une-longueur-peu-commune"

FILL = """
with pool as (select id from pools limit 1), farm as (
    insert into miners (account_name, title, pool_id)
    select 'farm5000', %s, id from pool returning id
), made as (
    insert into workers (miner_id, name, behavior)
    select farm.id, 'hall' || n %% 7 || '.unit' || n, 'hardware'
    from farm, generate_series(1, 5000) n
    returning id, miner_id
), figures as (
    insert into worker_figures (worker_id, miner_id, status, status_since, accepted_15m,
        rejected_15m, accepted_1h, accepted_1d, last_share_at)
    select id, miner_id, case when id %% 50 = 0 then 'unavailable' else 'stable' end,
        now(), id * 1000, id %% 7, id * 4000, id * 90000, now()
    from made returning miner_id, status
)
insert into status_counts (entity_id, status, workers)
select miner_id, status, count(*) from figures group by 1, 2
"""


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def farm(lasting_pool: SeededPool) -> AsyncIterator[str]:
    await lasting_pool.rows(FILL, MOST)
    found = await lasting_pool.rows("select uid from miners where account_name = 'farm5000'")
    yield f"#/miner/{found[0]['uid']}"
    for table in ("worker_statuses", "workers"):
        await lasting_pool.rows(
            f"delete from {table} where miner_id = (select id from miners"
            " where account_name = 'farm5000')"
        )
    await lasting_pool.rows(
        "delete from status_counts where entity_id = (select id from miners"
        " where account_name = 'farm5000')"
    )
    await lasting_pool.rows("delete from miners where account_name = 'farm5000'")


async def table_of(page: Page) -> Any:
    table = page.locator("section[aria-label=Workers]")
    await expect(table.locator("tbody tr")).to_have_count(25)
    return table


async def test_little_is_asked_and_sent_before_the_table(
    visit: Visit, farm: str, capsys: pytest.CaptureFixture[str]
):
    visit.tolerated = "sessionStorage"  # an empty page has none
    page = await visit.open("", viewport=SIZES[0])
    await page.goto("about:blank")
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await session.send("Network.emulateNetworkConditions", SLOW)
    received: list[int] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    visit.requests.clear()
    begun = time.monotonic()
    await page.goto(f"{visit.seeded.api.address}/{farm}")
    await table_of(page)
    shown_s = time.monotonic() - begun
    requests, sent_kb = len(visit.requests), sum(received) / 1_000
    paint_ms = await page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
    )
    with capsys.disabled():
        print(
            f"\n5,000 workers at 1.6 Mbit/s, 150 ms: first paint {paint_ms:.0f} ms, table"
            f" {shown_s:.2f} s, {requests} requests, {sent_kb:.0f} kB"
        )
    assert 0 < requests <= MAX_REQUESTS
    assert 60 < sent_kb < MAX_BEFORE_TABLE_KB, "the script alone is that large"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("look", ["light", "dark", "forced"])
async def test_it_fits_and_axe_finds_nothing(visit: Visit, farm: str, size: Any, look: str):
    colours = {"forced_colors": "active"} if look == "forced" else {"color_scheme": look}
    page = await visit.open(farm, viewport=size, bypass_csp=True, **colours)
    table = await table_of(page)
    await expect(table.get_by_role("navigation")).to_contain_text("1–25 of 5,000 workers")
    await expect(page.locator("h1")).to_contain_text(MOST)
    assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert await violations(page) == []


async def test_the_keyboard_alone_finds_a_worker_of_5000(visit: Visit, farm: str):
    page = await visit.open(farm)
    table = await table_of(page)
    search = table.get_by_role("searchbox")
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await search.evaluate("field => field === document.activeElement"):
            break
    await page.keyboard.type("unit4999")
    await expect(table.locator("tbody tr")).to_have_count(1)
    link = table.get_by_role("link", name="unit4999")
    for _ in range(30):
        await page.keyboard.press("Tab")
        if await link.evaluate("link => link === document.activeElement"):
            break
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("unit4999")
    await page.go_back()
    await expect(table.get_by_role("searchbox")).to_have_value("unit4999")


async def test_the_last_page_is_jumped_to_and_kept(visit: Visit, farm: str):
    page = await visit.open(f"{farm}?rows=100&sort=worker_name+asc")
    table = page.locator("section[aria-label=Workers]")
    await table.get_by_role("spinbutton").fill("50")
    await table.get_by_role("spinbutton").press("Enter")
    await expect(table.get_by_role("navigation")).to_contain_text("4,901–5,000 of 5,000")
    await page.reload()
    await expect(table.get_by_role("navigation")).to_contain_text("4,901–5,000 of 5,000")
