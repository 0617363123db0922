"""Rate limits: per address before the caller is known, per caller after that."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from query_api.auth.caller import Caller, CallerKind
from query_api.config import RateLimitConfig
from query_api.http.errors import TooManyRequestsError
from schemas.windows import MINUTE_S


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


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a limit. `reset_s`: until the minute is over."""

    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        policy = f'"minute";q={self.limit};w={MINUTE_S}'
        left = f'"minute";r={self.remaining};t={self.reset_s}'
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", left.encode())]


class SlidingMinute:
    """Hits of each name over a sliding minute: those of this minute, and of the last one the part
    that still lies in the window. A minute that is over is dropped whole, so that a hit costs the
    same for one name and for a million. A limit of 0 is none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._minute = 0
        self._before: Counter[str] = Counter()
        self._current: Counter[str] = Counter()

    def hit(self, name: str, now_s: float) -> Quota | None:
        """Count one; None without a limit. TooManyRequestsError, uncounted, beyond it."""
        if not self._limit:
            return None
        minute, second = divmod(now_s, MINUTE_S)
        if minute != self._minute:
            self._before = self._current if minute == self._minute + 1 else Counter()
            self._current = Counter()
            self._minute = int(minute)
        reset_s = math.ceil(MINUTE_S - second)
        used = self._current[name] + self._before[name] * (1 - second / MINUTE_S)
        if used + 1 > self._limit:
            raise TooManyRequestsError("too many requests", retry_after_s=reset_s)
        self._current[name] += 1
        return Quota(self._limit, max(0, int(self._limit - used - 1)), reset_s)


class RateLimits:
    """Counts of this process."""

    def __init__(
        self, config: RateLimitConfig, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock_s = clock_s
        self._addresses = SlidingMinute(config.per_address)
        self._failures = SlidingMinute(config.failures_per_address)
        self._look_ups = SlidingMinute(config.look_ups_per_address)
        self._internal = SlidingMinute(config.per_internal_caller)
        self._others = SlidingMinute(config.per_caller)

    def count_address(self, address: str) -> Quota | None:
        return self._addresses.hit(network_of(address), self._clock_s())

    def count_look_up(self, address: str) -> Quota | None:
        """Somebody without an account looks a pool or a miner up."""
        return self._look_ups.hit(network_of(address), self._clock_s())

    def count_failure(self, address: str) -> None:
        """A wrong credential. Beyond the limit the answer is 429 and no longer 401; a right one
        from the same address is let in."""
        self._failures.hit(network_of(address), self._clock_s())

    def count_caller(self, caller: Caller) -> Quota | None:
        internal = caller.kind is CallerKind.INTERNAL
        counts = self._internal if internal else self._others
        return counts.hit(caller.name, self._clock_s())


class Slots:
    """At most so many at a time in all, and of one name. Owned by one event loop."""

    def __init__(self, *, in_all: int, of_one: int) -> None:
        self._in_all: Final = in_all
        self._of_one: Final = of_one
        self._held: Counter[str] = Counter()
        self._count = 0

    def take(self, *names: str) -> bool:
        """One slot, counted for each of the names; False if there is none."""
        if self._count >= self._in_all or any(self._held[name] >= self._of_one for name in names):
            return False
        self._count += 1
        self._held.update(names)
        return True

    def give_back(self, *names: str) -> None:
        self._count -= 1
        self._held.subtract(names)
        for name in names:
            if not self._held[name]:
                del self._held[name]
