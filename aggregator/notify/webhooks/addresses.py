"""Where a webhook is sent: its name is resolved once, judged, and the request goes to that address.

A name that points elsewhere a moment later (DNS rebinding) gains nothing. The owner of a webhook
reads the error, so a name that does not resolve and one that leads inside look the same: otherwise
the list of failures would be a map of our network.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from schemas.addresses.webhook import ForbiddenAddressError, IPAddress, is_public, webhook_address


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect, and which host to name there."""

    url: str
    """with the address in place of the name"""
    host_header: str
    hostname: str
    """for TLS: name indication and verification"""


async def target_of(url: str, *, allow_private: bool, threads: Executor | None = None) -> Target:
    """Resolve and judge; ForbiddenAddressError for a URL or a name that is not allowed.

    `allow_private` also allows http. `threads` wait for the name server (None: the loop's own,
    which others need, too).
    """
    address = webhook_address(url, allow_private=allow_private)
    try:
        found = await _resolve(address.host, address.port, threads)
    except (OSError, UnicodeError):
        found = []
    # One bad address spoils the name: which of several is used is not ours to choose.
    if not found or (not allow_private and not all(map(is_public, found))):
        raise ForbiddenAddressError(f"{address.host} has no public address")
    return Target(address.at(found[0]), address.host_header, address.host)


async def _resolve(host: str, port: int, threads: Executor | None) -> list[IPAddress]:
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
    # A scope ("fe80::1%eth0") is cut off: link-local is judged by the address alone.
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
