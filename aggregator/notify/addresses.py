"""Which addresses a webhook may be sent to: public ones, checked and then pinned.

A name is resolved once, every address it has is judged, and the request goes to the one that was
judged: a name that points elsewhere a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

IPAddress = IPv4Address | IPv6Address

# Networks whose addresses carry an IPv4 address in their last 32 bits (NAT64, IPv4-compatible).
_EMBEDDING: Final = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("::/96"),
)
_PORTS: Final = {"https": 443, "http": 80}


class ForbiddenAddressError(Exception):
    """The address is not one that a webhook may be sent to; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and what to say there."""

    url: str
    """with the address in place of the name"""
    host_header: str
    hostname: str
    """for TLS: name indication and verification"""


def is_public(address: IPAddress) -> bool:
    """Reachable by anybody: not private, loopback, link-local, multicast, reserved, or such inside.

    >>> is_public(ip_address("8.8.8.8")), is_public(ip_address("::ffff:10.0.0.1"))
    (True, False)
    """
    if isinstance(address, IPv6Address):
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


async def target_of(url: str, *, allow_private: bool, threads: Executor | None = None) -> Target:
    """Resolve and judge; ForbiddenAddressError for a URL or address that is not allowed.

    OSError where the name cannot be resolved. `allow_private` also allows http. `threads` wait for
    the name server (None: the loop's own, which others need, too).
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ForbiddenAddressError("not a URL") from error
    host, port = _checked(parts, allow_private=allow_private)
    addresses = await _resolve(host, port, threads)
    bad = [address for address in addresses if not is_public(address)]
    # One bad address spoils the name: which of several is used is not ours to choose.
    if not addresses or (bad and not allow_private):
        raise ForbiddenAddressError(f"{host} is not a public address")
    address = addresses[0]
    literal = f"[{address}]" if address.version == 6 else str(address)
    pinned = parts._replace(netloc=f"{literal}:{port}", fragment="").geturl()
    named = f"[{host}]" if ":" in host else host
    default = port == _PORTS[parts.scheme]
    return Target(pinned, named if default else f"{named}:{port}", host)


def _checked(parts: SplitResult, *, allow_private: bool) -> tuple[str, int]:
    if parts.scheme not in _PORTS or (parts.scheme == "http" and not allow_private):
        raise ForbiddenAddressError("only https is allowed")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("a URL with a user name is not allowed")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ForbiddenAddressError("not a URL") from error
    if not host:
        raise ForbiddenAddressError("a URL without a host")
    return _ascii(host), port or _PORTS[parts.scheme]


def _ascii(host: str) -> str:
    """As headers and certificates bear it. A label may be empty or too long for any name."""
    try:
        return host.encode("idna").decode()
    except UnicodeError as error:
        raise ForbiddenAddressError(f"{host} is no host name") from error


async def _resolve(host: str, port: int, threads: Executor | None) -> list[IPAddress]:
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
    # A scope ("fe80::1%eth0") is cut off: link-local is judged by the address alone.
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
