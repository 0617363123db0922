"""Rate limits: per address before anything else, per caller once it is known."""

from __future__ import annotations

import ipaddress
import time
from functools import lru_cache

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from query_api.auth.caller import Caller, CallerKind
from query_api.config import RateLimitConfig
from query_api.errors import TooManyRequestsError


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the /64 that a site gets of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class RateLimits:
    """Counts of this process over a sliding minute. A limit of 0 is none."""

    def __init__(self, config: RateLimitConfig) -> None:
        self._strategy = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._address = _per_minute(config.per_address)
        self._failures = _per_minute(config.failures_per_address)
        self._caller = {
            CallerKind.INTERNAL: _per_minute(config.per_internal_caller),
            CallerKind.USER: _per_minute(config.per_caller),
            CallerKind.WATCHER: _per_minute(config.per_caller),
        }

    def count_address(self, address: str) -> None:
        """TooManyRequestsError beyond the limit, and after too many failures."""
        network = network_of(address)
        self._hit(self._address, "address", network)
        failures = self._failures
        if failures is not None and not self._strategy.test(failures, "failures", network):
            self._refuse(failures, "failures", network)

    def count_failure(self, address: str) -> None:
        """A wrong credential."""
        if self._failures is not None:
            self._strategy.hit(self._failures, "failures", network_of(address))

    def count_caller(self, caller: Caller) -> None:
        self._hit(self._caller[caller.kind], "caller", caller.name)

    def _hit(self, limit: RateLimitItemPerMinute | None, kind: str, name: str) -> None:
        if limit is not None and not self._strategy.hit(limit, kind, name):
            self._refuse(limit, kind, name)

    def _refuse(self, limit: RateLimitItemPerMinute, kind: str, name: str) -> None:
        window = self._strategy.get_window_stats(limit, kind, name)
        wait_s = round(window.reset_time - time.time() + 0.5)
        raise TooManyRequestsError("too many requests", retry_after_s=wait_s)


def _per_minute(limit: int) -> RateLimitItemPerMinute | None:
    return RateLimitItemPerMinute(limit) if limit else None
