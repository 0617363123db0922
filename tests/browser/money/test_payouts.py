"""A payout batch from the proposal to the chain, by the pool's admin in the page: real node, real
signer, the service beside it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from deploy.local.btcd.node import BtcdNode
from query_api.admin.keys import create_key
from query_api.config import ApiConfig, DatabaseConfig
from tests.browser.site.axe import violations
from tests.browser.site.seeded_pool import ApiServer
from tests.integration.api.client import UNLIMITED
from tests.integration.payouts.paying_pool import FINAL_DEPTH, PayingPool, address, paying_pool
from tests.integration.payouts.signer import Signer
from tests.integration.payouts.spending import spend

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


@dataclass
class Site:
    """The page of a pool that pays, opened as the pool's own service."""

    pool: PayingPool
    api: ApiServer
    key: str
    browser: Browser

    async def open(self, **options: Any) -> Page:
        context = await self.browser.new_context(**options)
        held = json.dumps({"kind": "internal key", "value": self.key})
        await context.add_init_script(
            f"sessionStorage.setItem('hashgauge.credential', {json.dumps(held)})"
        )
        page = await context.new_page()
        uid = await self.pool.value("select uid from pools")
        await page.goto(f"{self.api.address}/#/pool/{uid}/payouts")
        await expect(card(page, "Batches")).to_be_visible()
        return page


@pytest_asyncio.fixture(loop_scope="package")
async def site(
    database_url: str, btcd: BtcdNode, browser: Browser, tmp_path: Path
) -> AsyncIterator[Site]:
    _, key = await create_key(database_url, title="internal", email=None)
    api = ApiServer(ApiConfig(DatabaseConfig(database_url, pool_size=3), limits=UNLIMITED))
    async with paying_pool(database_url, btcd, Signer(tmp_path / "seed")) as pool:
        await pool.owe(2)
        await pool.credit(await pool.miner("silent", address=None), 5_000_000)
        await pool.follow()
        api.start()
        yield Site(pool, api, key, browser)
        api.stop()


def card(page: Page, name: str) -> Locator:
    return page.locator(f"section[aria-label='{name}']")


async def twice(place: Locator, first: str, second: str) -> None:
    """The first press asks."""
    await place.get_by_role("button", name=first, exact=True).click()
    await place.get_by_role("button", name=second).click()


async def signed_file(site: Site, page: Page, folder: Path) -> Path:
    """The PSBT out of the page, signed by the program that has the key, as a file."""
    async with page.expect_download() as saving:
        await card(page, "One batch").get_by_role("button", name="Download the PSBT").click()
    taken = Path(await (await saving.value).path()).read_bytes()
    assert taken.startswith(b"psbt\xff")
    batch_id = await site.pool.value("select id from payout_batches")
    signed = folder / "signed.psbt"
    signed.write_text(await site.pool.sign(batch_id))
    return signed


async def test_a_batch_goes_from_the_proposal_to_the_chain(site: Site, tmp_path: Path):
    page = await site.open()
    await expect(card(page, "Money on hand")).to_contain_text("Spendable")
    batch = card(page, "One batch")
    async with site.pool.served():
        await twice(card(page, "Batches"), "Propose a batch", "Reserve what is due now")
        await expect(
            batch.get_by_role("region", name="Who is paid").locator("tbody tr")
        ).to_have_count(2)
        left_out = batch.get_by_role("row", name="silent")
        await expect(left_out).to_contain_text("has no address")
        await twice(batch, "Approve", "Approve 0.80000001 BTC")
        await batch.get_by_role("button", name="Build the transaction").click()
        signed = await signed_file(site, page, tmp_path)
        await batch.get_by_label("Signed PSBT").set_input_files(signed)
        await twice(batch, "Broadcast", "Send 0.80000001 BTC")
        await expect(batch.get_by_role("heading", level=2)).to_have_text("Batch: broadcast")
        await batch.get_by_label("Fee rate").fill("30")
        await batch.get_by_role("button", name="Raise the fee").click()
        signed = await signed_file(site, page, tmp_path)
        await batch.get_by_label("Signed PSBT").set_input_files(signed)
        await twice(batch, "Broadcast", "Send 0.80000001 BTC")
        await expect(batch).to_contain_text("version 2, broadcast")
    await site.pool.mine(FINAL_DEPTH)
    await page.reload()
    await expect(batch.get_by_role("heading", level=2)).to_have_text("Batch: final")
    await expect(batch).to_contain_text(f"{FINAL_DEPTH} confirmations")
    await expect(card(page, "Batches").locator("tbody tr")).to_contain_text("final")


async def test_a_batch_is_cancelled_and_a_second_proposal_says_why_not(site: Site):
    page = await site.open()
    batch = card(page, "One batch")
    async with site.pool.served():
        await twice(card(page, "Batches"), "Propose a batch", "Reserve what is due now")
        await expect(batch.get_by_role("heading", level=2)).to_have_text("Batch: proposed")
        await twice(card(page, "Batches"), "Propose a batch", "Reserve what is due now")
        await expect(card(page, "Batches").get_by_role("alert")).to_be_visible()
        await twice(batch, "Cancel", "Cancel the batch")
        await expect(batch.get_by_role("heading", level=2)).to_have_text("Batch: cancelled")


async def test_a_wallet_that_does_not_suffice_or_differs_says_so(site: Site):
    await site.pool.credit(await site.pool.miner("rich", address=address(9)), 10**12)
    await spend(site.pool, await site.pool.parts.wallet.spendable(site.pool.connection))
    await site.pool.mine()
    page = await site.open()
    money = card(page, "Money on hand")
    await expect(money).to_contain_text("BTC are missing to pay all who are due")
    await expect(money).to_contain_text("Sign nothing")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_fits_a_phone_and_is_accessible(site: Site, theme: Any):
    phone: Any = {"width": 390, "height": 800}
    page = await site.open(viewport=phone, color_scheme=theme, bypass_csp=True)
    async with site.pool.served():
        await twice(card(page, "Batches"), "Propose a batch", "Reserve what is due now")
        await expect(card(page, "One batch").get_by_role("heading", name="Steps")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]
    assert await violations(page) == []
