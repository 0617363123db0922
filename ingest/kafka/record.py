"""A record as it comes from Kafka, in the shape that aiokafka gives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Record(Protocol):
    """What the decoders and the dead letters need of aiokafka's `ConsumerRecord`."""

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch; -1 where the message has none."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record that no broker has seen: the gateway's, the benchmarks', the tests'."""

    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = -1
    key: bytes | None = None
    topic: str = "shares"
    partition: int = 0
    offset: int = 0


def header(headers: Sequence[tuple[str, bytes]], name: str) -> bytes | None:
    """Value of the last header of that name (Kafka's convention for repeats), or None."""
    for key, value in reversed(headers):
        if key == name:
            return value
    return None
