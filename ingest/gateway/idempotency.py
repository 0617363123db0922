"""Keys of the gateway: who may call, and which request is the repeat of which."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

Authenticate = Callable[[str | None], bool]
"""Whether the API key of a request (None: it has none) opens the gateway."""

_PRODUCER_ID_CHARS: Final = 32


def key_hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def authenticate_by_hash(hashes: Iterable[bytes]) -> Authenticate:
    """Compares with every hash in constant time: no answer is faster for a nearly right key."""
    known = tuple(hashes)

    def authenticate(key: str | None) -> bool:
        given = key_hash(key or "")
        found = False
        for each in known:
            found |= hmac.compare_digest(given, each)
        return found and key is not None

    return authenticate


def producer_id_of(key: str) -> str:
    """The producer-id of all records of requests with this Idempotency-Key, on every gateway."""
    return f"gateway/{hashlib.sha256(key.encode()).hexdigest()[:_PRODUCER_ID_CHARS]}"


def partition_of(key: str, partitions: int) -> int:
    """The partition of those records: intake compares sequences per partition.

    Where partitions are added between a request and its retry, the retry may go to another one.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[-8:]) % partitions


class RememberedKeys:
    """The body of each recent key, as a hash. Bounded: the oldest key is forgotten first.

    A key that is used for two bodies would lose the second: intake takes it for a repeat. This
    process notices; another gateway cannot.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bodies: OrderedDict[str, bytes] = OrderedDict()

    def clashes(self, key: str, body: bytes) -> bool:
        """Whether the key was used for another body; remembers it otherwise."""
        digest = hashlib.sha256(body).digest()
        known = self._bodies.setdefault(key, digest)
        self._bodies.move_to_end(key)
        if len(self._bodies) > self._most:
            self._bodies.popitem(last=False)
        return known != digest
