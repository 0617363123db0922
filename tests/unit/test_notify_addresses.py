"""Which addresses a webhook may go to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from aggregator.notify.addresses import ForbiddenAddressError, is_public, target_of

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",
    "192.168.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fc00::1", "fe80::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "ftp://8.8.8.8/",
        "https://user@8.8.8.8/",
        "https:///hook",
        "https://8.8.8.8:99999/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::1]/",
        "https://[fe80::1%25lo]/",
        "https://localhost/",
        "not a url",
        "https://[::1/",
        "https://a..b/",
        f"https://{'a' * 64}.example/",
        "https://xn--\u00fc.example/",
    ],
)
async def test_urls_that_lead_inside_are_refused(url: str) -> None:
    with pytest.raises((ForbiddenAddressError, OSError)):
        await target_of(url, allow_private=False)


async def test_target_is_pinned_and_keeps_its_name() -> None:
    target = await target_of("http://localhost:8081/hook?a=b#c", allow_private=True)
    assert target.url in {"http://127.0.0.1:8081/hook?a=b", "http://[::1]:8081/hook?a=b"}
    assert (target.host_header, target.hostname) == ("localhost:8081", "localhost")
    target = await target_of("https://8.8.8.8/x", allow_private=False)
    assert (target.url, target.host_header) == ("https://8.8.8.8:443/x", "8.8.8.8")


async def test_one_private_address_spoils_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from aggregator.notify import addresses

    async def resolve(*_: object) -> list[addresses.IPAddress]:
        return [ip_address("8.8.8.8"), ip_address("10.0.0.1")]

    monkeypatch.setattr(addresses, "_resolve", resolve)
    with pytest.raises(ForbiddenAddressError):
        await target_of("https://two-faced.example/", allow_private=False)


async def test_international_name_is_said_as_headers_bear_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(None, None, None, "", ("8.8.8.8", port))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    target = await target_of("https://b\u00fccher.example/x", allow_private=False)
    assert asked == [target.hostname] == ["xn--bcher-kva.example"]
    assert target.host_header == "xn--bcher-kva.example"
