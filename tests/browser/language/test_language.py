"""The page in each of its languages: complete, within its width, with that language's numbers."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations
from tests.browser.site.seeded_pool import SeededPool

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

LOCALES = {"en": "en-US", "ru": "ru-RU"}
VIEWS = (
    "pool",
    "pool/payouts",
    "miner",
    "miner/money",
    "miner/statement",
    "miner/sharing",
    "worker",
)
OF_EVERY_LANGUAGE = re.compile(
    r"^(Hashgauge|UTC|BTC|CSV|Parquet|API|PSBT|HTTP|URL|Telegram|Stratum|Standard|Webhooks|Escape|https|"
    r"PPLNS|FPPS|sat|English|[kMGTPEZ]?H)$"
)
ENGLISH = """() => {
  const copy = document.body.cloneNode(true)
  const kept = copy.querySelectorAll('bdi, code, pre, script, noscript, option[value=en]')
  for (const each of kept) each.remove()
  const names = [...copy.querySelectorAll('*')].flatMap(element =>
    ['aria-label', 'title', 'placeholder', 'alt'].map(name => element.getAttribute(name) ?? ''))
  const walker = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) names.push(walker.currentNode.data)
  return names.filter(Boolean)
}"""


def address_of(view: str, seeded: SeededPool) -> str:
    kind, *section = view.split("/")
    uids = {"pool": seeded.pool, "miner": seeded.miners["miner0"], "worker": seeded.workers["rig0"]}
    return f"#/{'/'.join([kind, uids[kind], *section])}"


NO_PAYOUTS_YET = "status of 404"


async def settled(page: Page) -> None:
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_text(re.compile("^(Loading|Загрузка)…$"))).to_have_count(0)


def english_in(texts: list[str], names: set[str]) -> set[str]:
    """Words in Latin letters that are neither names nor of every language."""
    words = {word for text in texts for word in re.findall(r"[A-Za-z]{3,}", text)}
    return {word for word in words if not OF_EVERY_LANGUAGE.match(word) and word not in names}


@pytest.mark.parametrize("view", VIEWS)
async def test_nothing_is_left_in_english(visit: Visit, view: str):
    visit.tolerated = NO_PAYOUTS_YET
    page = await visit.open(address_of(view, visit.seeded), locale="ru-RU", internal=True)
    await settled(page)
    await expect(page.locator("html")).to_have_attribute("lang", "ru")
    # Accounts, workers and servers stand in titles and labels, too.
    names = {"miner", "rig", "pool", "stratum", "hosted"}
    assert english_in(await page.evaluate(ENGLISH), names) == set()


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("language", LOCALES)
async def test_it_fits_and_is_accessible(visit: Visit, language: str, view: str, width: int):
    visit.tolerated = NO_PAYOUTS_YET
    page = await visit.open(
        address_of(view, visit.seeded),
        locale=LOCALES[language],
        viewport={"width": width, "height": 900},
        internal=True,
        bypass_csp=True,
    )
    await settled(page)
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await violations(page) == []


async def test_russian_numbers_have_a_comma_and_days_a_dot(visit: Visit):
    page = await visit.open(address_of("pool", visit.seeded), locale="ru-RU")
    stats = await visit.seeded.call("GET", f"/pools/{visit.seeded.pool}/stats")
    exact = page.locator(".tile .number").first
    whole, cents = stats["15m"]["hashrate"].split(".")
    grouped = f"{int(whole):,}".replace(",", "\u00a0")
    await expect(exact).to_have_attribute("title", f"{grouped},{cents} H/s")
    await expect(exact).to_have_text(re.compile(r"^\d{1,3}(,\d+)? [kMGTPEZ]?H/s$"))
    since = page.locator("time[title*=UTC]").first
    await expect(since).to_have_attribute(
        "title", re.compile(r"\d\d\.\d\d\.\d{4}, \d\d:\d\d:\d\d UTC")
    )


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "1 воркер"),
        (2, "2 воркера"),
        (5, "5 воркеров"),
        (11, "11 воркеров"),
        (21, "21 воркер"),
        (1112, "из 1\u00a0112 воркеров"),
        (1121, "из 1\u00a0121 воркера"),
    ],
)
async def test_a_noun_follows_its_number(visit: Visit, count: int, said: str):
    miner = visit.seeded.miners["miner0"]
    page = await visit.open("", locale="ru-RU")

    async def as_many(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        body["pagination"]["total_count"] = count
        await route.fulfill(response=answer, json=body)

    await page.route(f"**/miners/{miner}/workers?*", as_many)
    await page.goto(f"{visit.seeded.api.address}/#/miner/{miner}")
    foot = page.locator("section[aria-label=Воркеры] .list-foot")
    await expect(foot.get_by_text(re.compile(f"{said}$"))).to_be_visible()


async def test_language_and_zone_are_remembered(visit: Visit):
    page = await visit.open(
        address_of("pool", visit.seeded), locale="en-US", timezone_id="Asia/Tokyo"
    )
    time = page.locator("time[title*=UTC]").first
    await expect(time).to_have_attribute("title", re.compile(r"\(.* UTC\)$"))
    await page.get_by_label("Times").select_option("utc")
    await expect(time).to_have_attribute("title", re.compile(r"^[\d-]{10} [\d:]{8} UTC$"))
    await page.get_by_label("Language").select_option("ru")
    await expect(page.locator("html")).to_have_attribute("lang", "ru")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "ru")
    await expect(page.get_by_label("Язык")).to_have_value("ru")
    await expect(page.get_by_label("Время", exact=True)).to_have_value("utc")
    legend = page.locator(".u-legend").first
    await expect(legend).to_contain_text(re.compile(r"\d\d:\d\d UTC"))
    await expect(legend).not_to_contain_text("UTC)")


async def test_a_refusal_speaks_the_language(visit: Visit):
    visit.tolerated = "status of 40"
    page = await visit.open("#/miner/00000000-0000-4000-8000-000000000000", locale="ru-RU")
    await expect(page.get_by_role("alert").get_by_role("heading")).to_have_text(
        re.compile("^(У вас нет права это видеть|Этого нет)$")
    )
