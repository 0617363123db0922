"""The API's reference page in a browser: every operation, from this server alone."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Visit
from tests.integration.api.client import BASE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

# Scrolls on by less than a screen, waits until that is rendered, and says whether it is the end.
NEXT_SCREEN = """async () => {
  const before = scrollY
  scrollBy(0, innerHeight / 2)
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
  return scrollY === before
}"""


async def opened(visit: Visit, **options: object) -> Page:
    page = await visit.open(BASE.removeprefix("/") + "/docs", signed_in=False, **options)
    await expect(page.locator(".opblock").first).to_be_visible()
    return page


async def operations_of(visit: Visit, page: Page) -> dict[str, str]:
    """Tag of each operation id, as the served document has them."""
    answer = await page.request.get(f"{visit.seeded.api.address}{BASE}/openapi.json")
    paths = (await answer.json())["paths"].values()
    return {each["operationId"]: each["tags"][0] for path in paths for each in path.values()}


async def test_the_reference_shows_every_operation_and_asks_no_other_host(visit: Visit):
    page = await opened(visit)
    await expect(page.get_by_role("heading", name="Authentication")).to_be_visible()
    await expect(page.get_by_text("Apache License 2.0")).to_be_visible()
    expected = await operations_of(visit, page)
    # Swagger UI keeps in the page what is in sight, so that one has to scroll for the rest.
    seen: set[str] = set()
    at_end = False
    while not at_end:
        shown = page.locator(".opblock a.nostyle")
        links = await shown.evaluate_all("links => links.map(link => link.getAttribute('href'))")
        seen.update(link.rsplit("/", 1)[1] for link in links)
        at_end = await page.evaluate(NEXT_SCREEN)
    assert seen == set(expected)


async def test_an_operation_is_tried_out_with_a_key(visit: Visit):
    page = await opened(visit)
    await page.get_by_role("button", name="Authorize").click()
    form = page.locator(".auth-container", has_text="api_key (http, Bearer)")
    await form.get_by_role("textbox").fill(visit.seeded.key)
    await form.get_by_role("button", name="Apply credentials").click()
    await page.get_by_role("button", name="Close").last.click()
    # Few enough to be in sight at once.
    await page.get_by_placeholder("Filter by tag").fill("users")
    operation = page.locator(".opblock", has=page.locator(f'[data-path="{BASE}/user"]')).first
    await operation.locator(".opblock-summary-control").click()
    await operation.get_by_role("button", name="Try it out").click()
    await operation.get_by_role("button", name="Execute").click()
    status = operation.locator(".live-responses-table tbody .response-col_status")
    await expect(status).to_have_text("200")


async def test_the_reference_follows_the_system_theme(visit: Visit):
    page = await opened(visit, color_scheme="dark")
    background = "getComputedStyle(document.documentElement).backgroundColor"
    dark = await page.evaluate(background)
    await page.emulate_media(color_scheme="light")
    await expect(page.locator("html.dark-mode")).to_have_count(0)
    assert await page.evaluate(background) != dark
