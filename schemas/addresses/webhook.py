"""Which addresses a webhook may have: one rule, where it is entered and where it is sent to.

    https://hooks.example.com/x    allowed; the sender checks what the name resolves to
    http://hooks.example.com/x     only https (signed, but readable by everybody on the way)
    https://127.1/                 127.0.0.1, as are 2130706433, 0x7f000001 and 127。0。0。1
    https://[64:ff9b::a00:1]/      carries 10.0.0.1 inside, as any of 64:ff9b:1::/48 may
    https://router.local/          a name that only a private network can know

`allow_private` lifts all of this but the syntax: for trying out, and for pools that run the
receiver.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

IPAddress = IPv4Address | IPv6Address

# Networks whose addresses carry an IPv4 address in their last 32 bits (NAT64, IPv4-compatible).
_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
# NAT64 of a private network (RFC 8215): only that network knows where in it the IPv4 address is.
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
DEFAULT_PORTS: Final = {"https": 443, "http": 80}

# RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN's `.internal`, and what routers like to use.
_PRIVATE_SUFFIXES: Final = (
    *(".localhost", ".local", ".internal", ".home.arpa", ".onion"),
    *(".lan", ".intranet", ".corp", ".home"),
)


class ForbiddenAddressError(Exception):
    """The address is not one that a webhook may have; the message says why."""


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """An address that may be tried."""

    parts: SplitResult
    host: str
    """in ASCII, as headers and certificates bear it; a literal address without brackets"""
    port: int

    @property
    def host_header(self) -> str:
        named = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == DEFAULT_PORTS[self.parts.scheme]
        return named if default else f"{named}:{self.port}"

    def at(self, address: IPAddress) -> str:
        """The URL with the IP address in place of the name."""
        literal = f"[{address}]" if address.version == 6 else str(address)
        return self.parts._replace(netloc=f"{literal}:{self.port}", fragment="").geturl()


def webhook_address(url: str, *, allow_private: bool) -> WebhookAddress:
    """ForbiddenAddressError for a URL that is malformed, not https, or leads to no public host."""
    if not url.isprintable() or " " in url:
        raise ForbiddenAddressError("not a URL: spaces and control characters are not allowed")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ForbiddenAddressError("not a URL") from error
    if "[" in parts.netloc and ":" not in (host or ""):  # "[v1.x]", an address of the future
        raise ForbiddenAddressError("not a URL")
    if parts.scheme not in DEFAULT_PORTS or (parts.scheme == "http" and not allow_private):
        raise ForbiddenAddressError("only https is allowed")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("a URL with a user name is not allowed")
    if not host:
        raise ForbiddenAddressError("a URL without a host")
    if port == 0:
        raise ForbiddenAddressError("port 0 is not allowed")
    ascii_host = _ascii(host)
    if not allow_private:
        _refuse_private(ascii_host)
    return WebhookAddress(parts, ascii_host, port or DEFAULT_PORTS[parts.scheme])


def is_public(address: IPAddress) -> bool:
    """Reachable by anybody: not private, loopback, link-local, multicast, reserved, or such inside.

    >>> is_public(ip_address("8.8.8.8")), is_public(ip_address("::ffff:10.0.0.1"))
    (True, False)
    """
    if isinstance(address, IPv6Address):
        if address in _LOCAL_NAT64:
            return False
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
    # fec0::/10, the private networks of IPv6's first years, counts as global for Python.
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return not site_local and (
        address.is_global and not address.is_multicast and not address.is_reserved
    )


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to `address` would reach in the end."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if any(address in network for network in _EMBEDDING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _ascii(host: str) -> str:
    """A label may be empty or too long for any name."""
    if ":" in host:
        # A scope ("fe80::1%eth0") names an interface of this machine.
        if "%" in host:
            raise ForbiddenAddressError("an address with a scope is not allowed")
        return host
    try:
        ascii_host = host.encode("idna").decode().lower()
    except UnicodeError as error:
        raise ForbiddenAddressError("not a host name") from error
    if not all(c.isalnum() or c in "-._" for c in ascii_host):
        raise ForbiddenAddressError("not a host name")
    # Browsers and resolvers take a name that ends in a number for an IPv4 address, or for none.
    last = ascii_host.rstrip(".").rpartition(".")[2]
    if last.isdigit() and _literal(ascii_host) is None:
        raise ForbiddenAddressError("not a host name")
    return ascii_host


def _refuse_private(host: str) -> None:
    literal = _literal(host)
    if literal is not None:
        if not is_public(literal):
            raise ForbiddenAddressError("not a public address")
        return
    name = host.rstrip(".")
    # A name without a dot is looked up in this network's own domain.
    if "." not in name or name.endswith(_PRIVATE_SUFFIXES):
        raise ForbiddenAddressError("not a public name")


def _literal(host: str) -> IPAddress | None:
    """The IP address that a host is without asking anybody, in every notation that connects:
    `inet_aton` reads 127.1, 2130706433, 0x7f.1 and 0177.0.0.1, and so does the resolver."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None
