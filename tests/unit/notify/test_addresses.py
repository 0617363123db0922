"""Where a webhook is sent: resolved, judged, pinned."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from aggregator.notify.webhooks import addresses
from aggregator.notify.webhooks.addresses import target_of
from schemas.addresses.webhook import ForbiddenAddressError, IPAddress, webhook_address


def resolving(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    async def resolve(*_: object) -> list[IPAddress]:
        if not found:
            raise OSError(-2, "Name or service not known")
        return [ip_address(address) for address in found]

    monkeypatch.setattr(addresses, "_resolve", resolve)


FORBIDDEN = [
    "http://8.8.8.8/", "https://127.1/", "https://2130706433/", "https://017700000001/",
    "https://0x7f000001./", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::1]/", "https://user:pass@example.com/", "https://example.com:0/",
    "https:///hook", "https://localhost./", "https://１２７.0.0.1/", "https://[v1.x]/",
    "https://example.com\\@127.0.0.1/", "https://1.2.3.4.5/", "ftp://example.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", FORBIDDEN)
async def test_url_that_may_not_be_entered_is_not_sent_to(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, "8.8.8.8")
    with pytest.raises(ForbiddenAddressError):
        webhook_address(url, allow_private=False)
    with pytest.raises(ForbiddenAddressError):
        await target_of(url, allow_private=False)


async def test_target_is_pinned_and_keeps_its_name() -> None:
    target = await target_of("http://localhost:8081/hook?a=b#c", allow_private=True)
    assert target.url in {"http://127.0.0.1:8081/hook?a=b", "http://[::1]:8081/hook?a=b"}
    assert (target.host_header, target.hostname) == ("localhost:8081", "localhost")
    target = await target_of("https://8.8.8.8/x", allow_private=False)
    assert (target.url, target.host_header) == ("https://8.8.8.8:443/x", "8.8.8.8")


async def test_one_private_address_spoils_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(ForbiddenAddressError):
        await target_of("https://two-faced.example/", allow_private=False)


async def test_error_does_not_say_whether_a_name_is_known_inside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors = []
    for found in ([], ["10.0.0.1"], ["fd00::1"], ["8.8.8.8", "127.0.0.1"]):
        resolving(monkeypatch, *found)
        with pytest.raises(ForbiddenAddressError) as refused:
            await target_of("https://db.corp.example/", allow_private=False)
        errors.append(str(refused.value))
    assert set(errors) == {"db.corp.example has no public address"}


async def test_international_name_is_asked_for_as_headers_bear_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(None, None, None, "", ("8.8.8.8", port))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    target = await target_of("https://b\u00fccher.example/x", allow_private=False)
    assert asked == [target.hostname] == ["xn--bcher-kva.example"]
