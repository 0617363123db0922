"""Which addresses a webhook may have, whoever asks."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from schemas.addresses.webhook import ForbiddenAddressError, is_public, webhook_address

PRIVATE = [
    "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1",
    "192.168.1.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fc00::1", "fe80::1", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "64:ff9b:1:fffe::7f00:1",
    "2002:7f00:1::", "2002:c0a8:101::",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_literal_private_address_is_refused(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(ForbiddenAddressError, match="not a public address"):
        webhook_address(f"https://{literal}/hook", allow_private=False)


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "10.1",
     "0x7f000001.", "00000000177.1", "127.0.0.0x1", "0", "0.", "[::ffff:7f00:1]",
     "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1"],
)  # fmt: skip
def test_loopback_in_any_notation_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="not a public address"):
        webhook_address(f"https://{host}/", allow_private=False)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "printer", "nas.local", "db.internal",
     "db.internal.", "router.lan", "x.home.arpa", "ｌｏｃａｌｈｏｓｔ", "localhost。",
     "a.local。", "com."],
)  # fmt: skip
def test_names_of_private_networks_are_refused(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="not a public name"):
        webhook_address(f"https://{host}/", allow_private=False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://8.8.8.8/", "only https"),
        ("ftp://8.8.8.8/", "only https"),
        ("//8.8.8.8/", "only https"),
        ("not-a-url", "only https"),
        ("https://user@8.8.8.8/", "user name"),
        ("https://:@8.8.8.8/", "user name"),
        ("https:///hook", "without a host"),
        ("https://8.8.8.8:99999/", "not a URL"),
        ("https://8.8.8.8:0/", "port 0"),
        ("https://[::1/", "not a URL"),
        ("https://[fe80::1%25lo]/", "scope"),
        ("https://a..b.com/", "not a host name"),
        (f"https://{'a' * 64}.com/", "not a host name"),
        ("https://xn--\u00fc.com/", "not a host name"),
        ("https://a%2eb.com/", "not a host name"),
        ("https://1.2.3.4.5/", "not a host name"),
        ("https://4294967296/", "not a host name"),
        ("https://256.256.256.256./", "not a host name"),
        ("https://./", "not a host name"),
        ("https://127.0.0.1%2f/", "not a host name"),
        ("https://127.0.0.1\\.example.com/", "not a host name"),
        ("https://example.com\\@127.0.0.1/", "user name"),
        ("https://[v1.x]/", "not a URL"),
        ("https://[]/", "not a URL"),
        ("https://example.com:+443/", "not a URL"),
        ("https:example.com", "without a host"),
        ("https:/example.com/", "without a host"),
        ("https://example.com/a b", "not a URL"),
        ("https://example.com/\n", "not a URL"),
        ("https://example.com/\u202e", "not a URL"),
    ],
)
def test_what_is_wrong_with_a_url_is_named(url: str, why: str) -> None:
    with pytest.raises(ForbiddenAddressError, match=why):
        webhook_address(url, allow_private=False)


def test_private_network_can_be_allowed_but_not_nonsense() -> None:
    assert webhook_address("http://localhost:8081/x", allow_private=True).port == 8081
    assert webhook_address("http://10.0.0.1/x", allow_private=True).port == 80
    with pytest.raises(ForbiddenAddressError):
        webhook_address("gopher://localhost/", allow_private=True)


def test_host_is_as_headers_and_certificates_bear_it() -> None:
    address = webhook_address("https://B\u00fccher.Example:8443/x?y=1#z", allow_private=False)
    assert address.host == "xn--bcher-kva.example"
    assert address.host_header == "xn--bcher-kva.example:8443"
    assert address.at(ip_address("8.8.8.8")) == "https://8.8.8.8:8443/x?y=1"
    literal = webhook_address("https://[2606:4700:4700::1111]/", allow_private=False)
    assert literal.host_header == "[2606:4700:4700::1111]"
