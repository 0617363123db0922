"""A miner's money: what the page shows is what the API says, and what is changed is kept."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations
from tests.browser.site.seeded_money import book_two_days

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

ADDRESS = "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5"


def card(page: Page, name: str) -> Locator:
    return page.locator(f"section[aria-label='{name}']")


async def money(visit: Visit, query: str = "", **options: object) -> Page:
    await book_two_days(visit.seeded)
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}/money{query}", **options)
    await expect(card(page, "Payments").locator("tbody tr").first).to_be_visible()
    return page


async def test_the_miner_leads_to_its_money(visit: Visit):
    await book_two_days(visit.seeded)
    miner = visit.seeded.miners["miner0"]
    page = await visit.open(f"#/miner/{miner}")
    await page.get_by_role("link", name="Money", exact=True).click()
    balance = await visit.seeded.call("GET", f"/miners/{miner}/balance")
    tile = page.locator(".tile", has=page.get_by_role("heading", name="Balance"))
    await expect(tile).to_contain_text(balance["data"][0]["amount"])
    await expect(card(page, "Payments").locator("tbody tr")).to_have_count(2)


async def test_a_watcher_link_without_the_right_shows_no_money(visit: Visit):
    visit.tolerated = "status of 403"
    await book_two_days(visit.seeded)
    page = await visit.open(f"#watch={visit.seeded.watcher_token}", signed_in=False)
    await expect(page.locator(".tile")).to_have_count(4)
    await expect(page.get_by_role("link", name="Money", exact=True)).to_have_count(0)


async def test_a_watcher_link_with_the_right_shows_payments_and_no_wallet(visit: Visit):
    await book_two_days(visit.seeded)
    path = f"/miners/{visit.seeded.miners['miner0']}/watchers"
    made = await visit.seeded.call("POST", path, title="books", extra_permissions=["accountant"])
    page = await visit.open(f"#watch={made['token']}", signed_in=False)
    await page.get_by_role("link", name="Money", exact=True).click()
    await expect(card(page, "Payments").locator("tbody tr")).to_have_count(2)
    await expect(card(page, "Payout address")).to_have_count(0)
    assert [url for url in visit.requests if made["token"] in url.partition("#")[0]] == []


async def test_a_payment_explains_itself_and_its_difference(visit: Visit):
    page = await money(visit)
    await card(page, "Payments").locator("tbody th a").first.click()
    opened = card(page, "One payment")
    await expect(opened.get_by_role("row", name="Work at the rate of the day")).to_contain_text(
        "0.00040000"
    )
    await expect(opened.get_by_role("link", name="rig0", exact=True)).to_be_visible()
    await expect(opened.get_by_role("heading", name="Why less than on")).to_be_visible()
    await expect(opened).to_contain_text("−0.00039640")
    await page.reload()
    await expect(opened.get_by_role("row", name="Hashrate of the machines")).to_be_visible()
    await opened.get_by_role("button", name="Close").click()
    await expect(opened).to_have_count(0)


async def test_payments_are_filtered_and_saved(visit: Visit):
    page = await money(visit)
    payments = card(page, "Payments")
    async with page.expect_download() as saving:
        await payments.get_by_role("button", name="CSV").click()
    path = await (await saving.value).path()
    lines = list(csv.DictReader(Path(path).read_text().splitlines()))
    assert [line["amount"] for line in lines] == ["0.00079280", "0.00039640"]
    await payments.get_by_label("Type").select_option("Payout")
    await expect(payments).to_contain_text("No payment of this type.")


async def test_an_address_waits_and_a_wrong_one_says_why(visit: Visit):
    visit.tolerated = "status of 400"
    page = await money(visit, internal=True)
    wallet = card(page, "Payout address")
    await wallet.get_by_label("New address").fill(ADDRESS[:-1] + "x")
    await wallet.get_by_role("button", name="Change address").click()
    await expect(wallet.get_by_role("alert")).to_contain_text("is no Bitcoin address")
    await wallet.get_by_label("New address").fill(ADDRESS)
    await wallet.get_by_role("button", name="Change address").click()
    await expect(wallet).to_contain_text(f"Next: {ADDRESS}")
    await expect(wallet).to_contain_text("00:00:00 UTC")
    minimum = card(page, "Minimum payment")
    await minimum.get_by_label("New minimum").fill("0.00500001")
    await minimum.get_by_role("button", name="Change minimum").click()
    await expect(minimum).to_contain_text("0.00500001 BTC counts from")


async def test_who_may_not_change_a_wallet_gets_no_form(visit: Visit):
    page = await money(visit)
    await expect(card(page, "Payout address")).to_contain_text("Its owner and admins change it.")
    await expect(page.get_by_role("button", name="Change address")).to_have_count(0)


async def test_a_month_adds_up_and_prints_black_on_white(visit: Visit):
    page = await money(visit)
    month = await page.locator("section[aria-label='Payments'] tbody th a").first.inner_text()
    await page.get_by_role("link", name="Statement", exact=True).click()
    statement = card(page, "Statement")
    await statement.get_by_label("Month").fill(month[:7])
    await expect(statement.get_by_role("region", name="Payments of the month")).to_contain_text(
        "+0.00039640"
    )
    path = f"/miners/{visit.seeded.miners['miner0']}/statements/{month[:7]}"
    published = await visit.seeded.call("GET", path)
    await expect(statement).to_contain_text(f"After{published['closing_balance']} BTC")
    async with page.expect_download() as saving:
        await statement.get_by_role("button", name="CSV").click()
    lines = Path(await (await saving.value).path()).read_text().splitlines()
    assert len(lines) == 1 + len(published["payments"])
    await page.emulate_media(media="print")
    await expect(page.get_by_role("button")).to_have_count(0)
    found = await page.evaluate(
        "() => { const { backgroundColor, color } = getComputedStyle(document.body);"
        " return [backgroundColor, color] }"
    )
    assert found == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_fits_a_phone_and_is_accessible(visit: Visit, theme: str):
    phone = {"width": 390, "height": 800}
    page = await money(visit, color_scheme=theme, bypass_csp=True, viewport=phone, internal=True)
    await card(page, "Payments").locator("tbody th a").first.click()
    await expect(card(page, "Why it differs")).to_be_visible()
    await expect(page.get_by_text("Loading…")).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]
    assert await violations(page) == []
