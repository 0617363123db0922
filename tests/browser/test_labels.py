"""Tags, groups and notes of workers on the page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


@pytest_asyncio.fixture(loop_scope="package")
async def labelling(visit: Visit) -> AsyncIterator[Visit]:
    """The pool is shared: labels go again with the test."""
    yield visit
    await visit.seeded.rows("delete from worker_labels returning 1")


def workers_of(page: Page) -> Locator:
    return page.locator("section[aria-label='Workers']")


async def test_all_that_match_are_labelled_and_found_again(labelling: Visit):
    visit = labelling
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}?search=rig1", bypass_csp=True)
    card = workers_of(page)
    rows = card.locator("tbody tr")
    await expect(rows.first).to_contain_text("rig1")
    total = await rows.count()
    await card.get_by_role("button", name="Edit labels").click()
    await expect(card.get_by_text(f"All that match: {total}")).to_be_visible()
    save = card.get_by_role("button", name="Save", exact=True)
    await expect(save).to_be_disabled()
    await card.get_by_label("Add tags").fill("s21, hydro")
    await card.get_by_label("Group").last.fill("Hall 3")
    await card.get_by_label("Note").fill("fan 2 is loud")
    assert await violations(page) == []
    await save.click()
    await expect(card.get_by_text(f"Saved for {total} workers.")).to_be_visible()
    await expect(rows.first).to_contain_text("Hall 3")
    await card.get_by_role("searchbox").fill("")
    await expect(rows).not_to_have_count(total)
    await card.get_by_role("button", name="Only with hydro").first.click()
    await expect(rows).to_have_count(total)
    await expect(page).to_have_url(re.compile("tags=hydro"))
    await page.reload()
    await expect(rows).to_have_count(total)
    await card.get_by_role("button", name="Without the filter hydro").click()
    await expect(rows).not_to_have_count(total)
    await card.get_by_label("Group").first.select_option("Hall 3")
    await expect(rows).to_have_count(total)
    assert await violations(page) == []


async def test_the_selected_ones_alone_are_changed(labelling: Visit):
    visit = labelling
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner0']}")
    card = workers_of(page)
    for name in ("rig10", "rig12"):
        await card.get_by_label(f"Compare {name}", exact=True).check()
    await card.get_by_role("button", name="Edit labels").click()
    await expect(card.get_by_text("Selected: 2")).to_be_visible()
    await card.get_by_label("Add tags").fill("spare")
    await card.get_by_role("button", name="Save", exact=True).click()
    await expect(card.get_by_text("Saved for 2 workers.")).to_be_visible()
    await expect(card.get_by_role("button", name="Only with spare")).to_have_count(2)


async def test_a_worker_shows_and_changes_its_own(labelling: Visit):
    visit = labelling
    page = await visit.open(f"#/worker/{visit.seeded.workers['rig10']}")
    card = page.locator("section[aria-label='Labels']")
    await card.get_by_label("Tags").fill("b a")
    await card.get_by_label("Note").fill("first\nsecond")
    await card.get_by_role("button", name="Save").click()
    await expect(card.get_by_label("Tags")).to_have_value("a b")
    await page.reload()
    await expect(card.get_by_label("Note")).to_have_value("first\nsecond")
    await card.get_by_label("Tags").fill("b")
    await card.get_by_label("Note").fill("")
    async with page.expect_response("**/workers/labels"):
        await card.get_by_role("button", name="Save").click()
    (row,) = await visit.seeded.rows("select tags, group_name, note from worker_labels")
    assert (row["tags"], row["group_name"], row["note"]) == (["b"], None, None)


async def test_a_watcher_link_sees_none(labelling: Visit):
    visit = labelling
    await visit.seeded.rows(
        "insert into worker_labels (worker_id, tags) select id, '{secret}' from workers returning 1"
    )
    # The page asks whether the link shows payments, too.
    visit.tolerated = "status of 403"
    page = await visit.open(f"#watch={visit.seeded.watcher_token}", signed_in=False)
    card = workers_of(page)
    await expect(card.locator("tbody tr").first).to_be_visible()
    await visit.all_is_answered()
    await expect(card.get_by_text("secret")).to_have_count(0)
    await expect(card.get_by_role("button", name="Edit labels")).to_have_count(0)
    assert not any("/labels" in url for url in visit.requests)
