"""Where webhooks may point: public http(s) addresses. Names are resolved and checked again by who
sends; here a literal private address is refused at once."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from query_api.errors import InvalidInputError


def check_webhook_url(url: str, *, allow_private: bool) -> None:
    """InvalidInputError that says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInputError("body url: not an address") from error
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or " " in url:
        raise InvalidInputError("body url: an http or https address is expected")
    if parts.username or parts.password:
        raise InvalidInputError("body url: must not hold a user name or password")
    if not allow_private and _is_private(host):
        raise InvalidInputError("body url: private addresses are not allowed")


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".internal", ".local")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
