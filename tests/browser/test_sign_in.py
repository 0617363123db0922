"""Signing in to the dashboard, with a real Kratos: its flows, staying signed in, signing out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Visit
from tests.browser.site.axe import violations
from tests.browser.site.seeded_pool import SeededPool
from tests.browser.site.sign_in_site import Site, authenticator_code, running_site
from tests.fixtures.kratos import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.kratos,
    pytest.mark.asyncio(loop_scope="package"),
]

OWNER = "owner@example.com"
REFUSED = "status of 4"  # nobody is signed in yet, and what Kratos finds wrong in a form
NEW_PASSWORD = "a violin under the bridge"


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def site(
    lasting_pool: SeededPool, package_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    data_dir: Path = tmp_path_factory.mktemp("kratos")
    with running_site(lasting_pool, package_database_url, data_dir) as site:
        site.people.person(OWNER)
        yield site


@pytest_asyncio.fixture(loop_scope="package")
async def door(site: Site, seeded: SeededPool, browser: Browser) -> AsyncIterator[Visit]:
    visit = Visit(site.seeded, browser, tolerated=REFUSED)
    yield visit
    await visit.close(site.node.public_url)


async def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


async def opened(page: Page) -> None:
    await expect(page.get_by_role("heading", level=1)).to_have_text("pool", ignore_case=True)


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_session_lasts_in_every_tab_until_signing_out(door: Visit):
    page = await door.open("", signed_in=False)
    await sign_in(page, OWNER)
    await opened(page)
    await page.reload()
    await opened(page)
    another = await page.context.new_page()
    await another.goto(door.seeded.api.address)
    await opened(another)
    await sign_out(page)
    await another.reload()
    await expect(another.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await page.evaluate("Object.keys(sessionStorage)") == []


async def test_a_wrong_password_is_said_to_be_one(door: Visit):
    page = await door.open("", signed_in=False)
    await sign_in(page, OWNER, "not the password")
    await expect(page.get_by_role("alert")).to_contain_text("credentials are invalid")
    assert await page.get_by_label("E-mail").input_value() == OWNER
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await opened(page)


async def test_a_link_to_a_miner_shows_it_after_signing_in(door: Visit):
    address = f"#/miner/{door.seeded.miners['miner1']}"
    page = await door.open(address, signed_in=False)
    await sign_in(page, OWNER)
    await expect(page.get_by_role("heading", level=1)).to_have_text("miner1")
    assert page.url.endswith(address)


async def test_a_second_factor_is_set_up_and_asked_for(door: Visit, site: Site):
    person = site.people.person()
    page = await door.open("#/sign-in/login", signed_in=False)
    await sign_in(page, person.email)
    await page.get_by_role("link", name="Account").click()
    secret = await page.locator(".secret code").inner_text()
    await expect(page.get_by_alt_text("QR code")).to_be_visible()
    await page.get_by_label("Verify code").fill(authenticator_code(secret))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Your changes have been saved!")
    await page.get_by_role("button", name="Generate new backup").click()
    code = await page.locator(".secret code").first.inner_text()
    await page.get_by_role("button", name="Confirm backup").click()
    await expect(page.get_by_role("button", name="Disable this method")).to_be_visible()

    await sign_out(page)
    await sign_in(page, person.email)
    await page.get_by_label("Authentication code").fill("000000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("code is invalid")
    await page.get_by_label("Authentication code").fill(authenticator_code(secret))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Account")).to_be_visible()

    await sign_out(page)
    await sign_in(page, person.email)
    await expect(page.get_by_label("Authentication code")).to_be_visible()
    await page.reload()  # half signed in
    await page.get_by_label("Backup recovery code").fill(code)
    await page.get_by_role("button", name="Use backup recovery code").click()
    await expect(page.get_by_role("link", name="Account")).to_be_visible()


async def test_a_forgotten_password_is_replaced_by_a_mailed_code(door: Visit, site: Site):
    person = site.people.person()
    page = await door.open("", signed_in=False)
    await page.get_by_role("link", name="Recover your account").click()
    await page.get_by_label("Email").fill(person.email)
    await page.keyboard.press("Enter")
    await page.get_by_label("Recovery code").fill("123456")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("code is invalid")
    await page.get_by_label("Recovery code").fill(site.mailed_code(person.email))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    await page.get_by_label("Password").fill(NEW_PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("Your changes have been saved!")
    await sign_out(page)
    await sign_in(page, person.email, NEW_PASSWORD)
    await expect(page.get_by_role("link", name="Account")).to_be_visible()


async def test_an_invited_person_signs_up_verifies_and_accepts(door: Visit, site: Site):
    email = f"{uuid4().hex[:12]}@example.com"
    name = f"m{uuid4().hex[:12]}"
    await door.seeded.call(
        "POST",
        f"/pools/{door.seeded.pool}/miners",
        account_name=name,
        email=email,
        rate=0.01,
    )
    page = await door.open("", signed_in=False)
    await page.get_by_role("link", name="Sign up").click()
    await page.get_by_label("E-mail").fill(email)
    await page.locator("main").get_by_label("Language").select_option("ru")
    await page.get_by_role("button", name="Sign up").click()
    await page.get_by_label("Password").fill(NEW_PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Verify your address")
    await page.get_by_label("Verification code").fill(site.mailed_code(email))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("successfully verified")
    await page.get_by_role("link", name="Go to the start page").click()
    await expect(page.get_by_role("region", name="You are invited")).to_contain_text(name)
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def test_a_mailed_link_opens_the_code_s_form(door: Visit, site: Site):
    person = site.people.person()
    page = await door.open(f"#/invitation?code={'0' * 64}", signed_in=False)
    await sign_in(page, person.email)
    assert await page.get_by_label("Code from the mail").input_value() == "0" * 64
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_role("alert")).to_contain_text("no such invitation")


async def test_kratos_own_links_lead_to_the_same_pages(door: Visit, site: Site):
    page = await door.open("", signed_in=False)
    await page.goto(f"{site.node.public_url}/self-service/recovery/browser")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Recover your account")
    assert page.url.startswith(f"{door.seeded.api.address}/#/sign-in/recovery?flow=")
    await expect(page.get_by_label("Email")).to_be_visible()


async def test_a_flow_that_is_gone_begins_anew(door: Visit):
    page = await door.open(f"#/sign-in/login?flow={uuid4()}", signed_in=False)
    await sign_in(page, OWNER)
    await opened(page)


async def test_kratos_away_is_said_and_tried_again(door: Visit, site: Site):
    door.tolerated = ""  # the browser's words for a connection that fails
    page = await door.open("#/sign-in/recovery", signed_in=False)
    await expect(page.get_by_label("Email")).to_be_visible()
    await page.route(f"{site.node.public_url}/**", lambda route: route.abort())
    await page.goto(f"{door.seeded.api.address}/#/sign-in/login")
    await expect(page.get_by_role("alert")).to_contain_text("sign-in service does not answer")
    await page.unroute_all()
    await page.get_by_role("button", name="Try again").click()
    await sign_in(page, OWNER)
    await opened(page)


async def test_a_key_works_beside_it(door: Visit):
    page = await door.open("", signed_in=False)
    await page.get_by_text("With an API key").click()
    await page.get_by_label("API key").fill(door.seeded.key)
    await page.keyboard.press("Enter")
    await opened(page)


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_forms_are_accessible_and_fit_a_phone(door: Visit, site: Site, theme: str):
    phone = {"width": 390, "height": 800}
    page = await door.open("", signed_in=False, color_scheme=theme, bypass_csp=True, viewport=phone)
    await page.get_by_label("E-mail").fill("nobody")
    for fragment in ("#/", "#/sign-in/registration", "#/sign-in/recovery", "#/sign-in/settings"):
        await page.goto(f"{door.seeded.api.address}/{fragment}")
        if fragment == "#/sign-in/settings":
            await sign_in(page, site.people.person().email)
        await expect(page.locator("form.change").first).to_be_visible()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == phone["width"]
