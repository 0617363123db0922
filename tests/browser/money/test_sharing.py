"""Watcher links, alerts, webhooks and keys, made and taken back in the page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


def card(page: Page, name: str) -> Locator:
    return page.locator(f"section[aria-label='{name}']")


async def sharing(visit: Visit, **options: Any) -> Page:
    page = await visit.open(f"#/miner/{visit.seeded.miners['miner1']}/sharing", **options)
    await expect(card(page, "Webhooks")).to_be_visible()
    return page


async def test_a_link_is_made_opens_the_miner_and_is_revoked(visit: Visit):
    visit.tolerated = "status of 40"
    miner = await visit.open(f"#/miner/{visit.seeded.miners['miner1']}")
    await miner.get_by_role("link", name="Sharing and alerts").click()
    links = card(miner, "Watcher links")
    await links.get_by_label("Whom it is for").fill("technician")
    await links.get_by_role("button", name="Make a link").click()
    entry = links.locator("li", has_text="technician")
    link = await entry.locator("code").inner_text()
    guest = await visit.open(f"#{link.partition('#')[2]}", signed_in=False)
    await expect(guest.get_by_role("heading", level=1)).to_have_text("miner1")
    await expect(guest.get_by_role("link", name="Sharing and alerts")).to_have_count(0)
    await entry.get_by_role("button", name="Revoke").click()
    await entry.get_by_role("button", name="Revoke for good").click()
    await expect(entry).to_have_count(0)
    await guest.reload()
    await expect(guest.get_by_role("alert")).to_contain_text("not valid any more")


async def test_alerts_wait_and_are_muted(visit: Visit):
    page = await sharing(visit)
    alerts = card(page, "Alerts")
    await alerts.get_by_role("combobox").select_option("600")
    await alerts.get_by_role("button", name="Mute for 4 h").click()
    await expect(alerts).to_contain_text("Muted until")
    miner = await visit.seeded.call("GET", f"/miners/{visit.seeded.miners['miner1']}")
    assert miner["alerts"]["delay_seconds"] == 600
    assert miner["alerts"]["muted_until"] is not None
    await page.reload()
    await alerts.get_by_role("button", name="Unmute").click()
    await alerts.get_by_role("button", name="Alert again").click()
    await expect(alerts.get_by_role("button", name="Mute for 1 h")).to_be_visible()


async def test_a_webhook_is_added_tested_and_removed(visit: Visit):
    visit.tolerated = "status of 400"
    page = await sharing(visit)
    hooks = card(page, "Webhooks")
    await hooks.get_by_label("Address").fill("https://127.0.0.1/alerts")
    await hooks.get_by_role("button", name="Add a webhook").click()
    await expect(hooks.get_by_role("alert")).to_contain_text("body url")
    await hooks.get_by_label("Address").fill("https://93.184.215.14/alerts")
    await hooks.get_by_role("button", name="Add a webhook").click()
    await expect(hooks.locator(".secret code")).to_have_text(re.compile("^whsec_"))
    entry = hooks.locator("li")
    await entry.get_by_role("button", name="Send a test").click()
    await expect(entry.get_by_role("status")).to_contain_text("On its way")
    sent = await visit.seeded.rows("select 1 from events where kind = 'webhook.test'")
    assert len(sent) == 1
    await entry.get_by_role("button", name="Switch off").click()
    await expect(entry.get_by_role("button", name="Send a test")).to_be_disabled()
    await entry.get_by_role("button", name="Remove").click()
    await entry.get_by_role("button", name="Remove for good").click()
    await expect(entry).to_have_count(0)


async def test_a_threshold_is_set_muted_and_deleted(visit: Visit):
    page = await sharing(visit)
    figures = card(page, "Alerts on figures")
    await figures.get_by_label("Alert if").select_option("hashrate")
    await figures.get_by_label("TH/s").fill("95.5")
    await figures.get_by_label("Average over").select_option("1d")
    await figures.get_by_role("button", name="Add an alert").click()
    entry = figures.locator("li")
    await expect(entry).to_contain_text("hashrate below 95.5 TH/s, 1d average, for 10 min")
    await expect(entry).to_contain_text("Not measured yet")
    await visit.seeded.rows(
        "update thresholds set measured_at = now(), figure = 5e13, measured_bound = 9.55e13,"
        " error = 6e12, is_firing = true, breached_since = now() - interval '1 hour' returning 1"
    )
    await page.reload()
    await expect(entry).to_contain_text("Alert: 50.0 TH/s, ± 6.00 TH/s by chance, since 60 min ago")
    await entry.get_by_role("button", name="Mute for 24 h").click()
    await expect(entry).to_contain_text("Muted until")
    await entry.get_by_role("button", name="Delete").click()
    await entry.get_by_role("button", name="Delete the alert").click()
    await expect(entry).to_have_count(0)


async def test_telegram_is_connected_by_a_code(visit: Visit):
    # No chat and no code yet: the API answers 404.
    visit.tolerated = "status of 404"
    await visit.seeded.rows("update telegram_updates set username = 'pool_bot' returning 1")
    page = await sharing(visit)
    channels = card(page, "Where your alerts go")
    for name in ("By e-mail", "By Telegram"):
        await channels.get_by_label(name).click()
        await expect(channels.get_by_label(name)).to_be_checked()
    await channels.get_by_role("button", name="Connect Telegram").click()
    link = channels.get_by_role("link", name="Open @pool_bot in Telegram")
    await expect(link).to_have_attribute("href", re.compile(r"^https://t\.me/pool_bot\?start="))
    notices = channels.get_by_label("Payments and changes of the wallet")
    await notices.click()
    await expect(notices).to_be_checked()
    await channels.get_by_label("By Telegram").click()
    await expect(channels.get_by_label("By Telegram")).not_to_be_checked()
    await expect(link).to_be_visible()
    await notices.click()
    await expect(link).to_have_count(0)


async def test_who_came_with_a_key_makes_none(visit: Visit):
    page = await sharing(visit)
    keys = card(page, "Your API keys")
    await expect(keys).to_contain_text("browser tests")
    await expect(keys).to_contain_text("Sign in at your pool's site")
    await expect(keys.get_by_role("button")).to_have_count(0)


async def test_a_person_makes_a_key_sees_it_once_and_revokes_it(visit: Visit):
    """Kratos is away: its session is the pool's own service, which may act for everybody."""
    user = (await visit.seeded.rows("select uid from users"))[0]["uid"]
    page = await visit.open(
        "#/",
        signed_in=False,
        extra_http_headers={"X-Headframe-API-Key": visit.seeded.internal_key},
    )
    signed_in = {"user": {"id": str(user)}, "permissions": []}
    await page.route("**/user", lambda route: route.fulfill(json=signed_in))
    await page.goto(f"{visit.seeded.api.address}/#/miner/{visit.seeded.miners['miner1']}/sharing")
    await page.reload()  # What the first page learnt of the caller is forgotten.
    keys = card(page, "Your API keys")
    await keys.get_by_label("What it is for").fill("exporter")
    await keys.get_by_role("button", name="Make a key").click()
    await expect(keys.get_by_role("status").locator("code")).to_have_text(re.compile("^hf"))
    entry = keys.locator("li", has_text="exporter")
    await expect(entry).to_contain_text("viewer, this miner alone")
    await entry.get_by_role("button", name="Revoke").click()
    await entry.get_by_role("button", name="Revoke for good").click()
    await expect(entry).to_have_count(0)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_fits_a_phone_and_is_accessible(visit: Visit, theme: Any):
    phone: Any = {"width": 390, "height": 800}
    page = await sharing(visit, viewport=phone, color_scheme=theme, bypass_csp=True)
    links = card(page, "Watcher links")
    await links.get_by_role("button", name="Make a link").click()
    await expect(links.locator("li").first).to_be_visible()
    await expect(page.get_by_text("Loading…")).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]
    assert await violations(page) == []
