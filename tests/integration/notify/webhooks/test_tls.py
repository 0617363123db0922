"""Webhooks over https: a name's own certificate, of an authority that is trusted, or no message."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from aggregator.admin.webhooks import list_failed
from aggregator.notify.config import NotifyConfig, WebhookConfig
from aggregator.notify.publisher import Publisher
from aggregator.notify.webhooks.signing import new_secret
from deploy.settings.settings import load
from ingest.errors import FatalError
from tests.fixtures.certificates import Authority
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents, publishing

SECRET = new_secret()
# The receiver is on this machine, whose address is a private one.
FAST = WebhookConfig(allow_private=True, first_retry_s=0.05, attempts=2, poll_s=0.05, timeout_s=5)


def trusting(ca_file: Path | None) -> NotifyConfig:
    return NotifyConfig(
        poll_s=0.05, webhooks=replace(FAST, ca_file=None if ca_file is None else str(ca_file))
    )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "pool")


async def notify(seeded: SeededEvents, url: str) -> None:
    miner = await seeded.add_miner("acme")
    await seeded.add_webhook(miner, url, SECRET)
    await seeded.change(await seeded.add_worker(miner, "rig01"), "off")


async def given_up(seeded: SeededEvents) -> list[dict[str, Any]]:
    async with seeded.pool.connection() as connection:
        return await list_failed(connection)


async def test_receiver_with_a_trusted_certificate_is_notified(
    seeded: SeededEvents, authority: Authority
) -> None:
    got: list[HttpRequest] = []

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got.append(request)
        return HttpAnswer()

    tls = authority.server("localhost")
    async with (
        http_server(receiver, tls=tls) as url,
        publishing(seeded, trusting(authority.ca_file)),
    ):
        await notify(seeded, f"{url}/hook")
        await until(lambda: got)
    assert url.startswith("https://localhost:")
    # The connection went to the address that was judged; the receiver was asked for by its name.
    assert got[0].headers["host"] == url.removeprefix("https://")
    Webhook(SECRET).verify(got[0].body, got[0].headers)


@pytest.mark.parametrize(
    "problem", ["of an unknown authority", "of another authority", "of another name"]
)
async def test_certificate_that_is_not_trusted_gets_nothing_and_is_listed(
    seeded: SeededEvents, authority: Authority, tmp_path: Path, problem: str
) -> None:
    got: list[HttpRequest] = []

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got.append(request)
        return HttpAnswer()

    tls = authority.server("somebody.example" if problem == "of another name" else "localhost")
    ca_file = {
        "of an unknown authority": None,
        "of another authority": Authority(tmp_path, "other").ca_file,
        "of another name": authority.ca_file,
    }[problem]
    async with http_server(receiver, tls=tls) as url, publishing(seeded, trusting(ca_file)):
        await notify(seeded, url)
        (failed,) = await until(lambda: given_up(seeded))
    assert got == []
    assert failed["attempts"] == FAST.attempts
    assert "CERTIFICATE_VERIFY_FAILED" in failed["last_error"]


async def test_environment_cannot_widen_what_is_trusted(
    seeded: SeededEvents, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))

    async def receiver(_: HttpRequest) -> HttpAnswer:
        return HttpAnswer()

    tls = authority.server("localhost")
    async with http_server(receiver, tls=tls) as url, publishing(seeded, trusting(None)):
        await notify(seeded, url)
        await until(lambda: given_up(seeded))


async def test_file_of_certificates_that_is_not_there_is_fatal(
    seeded: SeededEvents, tmp_path: Path
) -> None:
    publisher = Publisher(trusting(tmp_path / "nowhere.pem"), seeded.of_publisher)
    with pytest.raises(FatalError, match=r"nowhere\.pem"):
        await publisher.run(asyncio.Event())


def test_file_of_certificates_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHGAUGE_NOTIFY__WEBHOOKS__CA_FILE", "/etc/pool.pem")
    config = load().configured("notify", NotifyConfig())
    assert config.webhooks.ca_file == "/etc/pool.pem"
