"""Deduplication: a message whose producer id and sequence were seen before is dropped."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from aggregator.intake.config import IntakeConfig
from aggregator.intake.partitions.offsets import Stream
from aggregator.postgres.connection import Connection
from ingest.kafka.record import Record
from schemas.runtime.named_sql import load
from schemas.topics import PRODUCER_ID, SEQUENCE

SQL: Final = load("aggregator.intake", "sql/flush.sql")

ProducerKey = tuple[int, str]
"""(partition, producer id)"""

NEVER: Final = -1
"""The highest sequence of a producer that was never seen."""
_PRODUCER_ID_MAX: Final = 256
_INT8_MAX: Final = 2**63 - 1
_DIGITS_MAX: Final = 19


@dataclass(frozen=True, slots=True)
class ProducerSequence:
    """Producer and sequence of the message at `index` of a fetch."""

    index: int
    key: ProducerKey
    sequence: int


def producer_sequences_of(records: Sequence[Record]) -> list[ProducerSequence]:
    """The messages that name their producer and sequence, in order; others are never duplicates."""
    numbered = []
    for index, record in enumerate(records):
        producer = sequence = None
        for name, value in record.headers:
            if name == PRODUCER_ID:
                producer = value
            elif name == SEQUENCE:
                sequence = value
        if producer and sequence is not None:
            number = _number(sequence)
            if number is not None and len(producer) <= _PRODUCER_ID_MAX:
                key = (record.partition, _name(producer))
                numbered.append(ProducerSequence(index, key, number))
    return numbered


def _number(sequence: bytes) -> int | None:
    if not sequence.isdigit() or len(sequence) > _DIGITS_MAX:
        return None
    number = int(sequence)
    return number if number <= _INT8_MAX else None


def _name(producer: bytes) -> str:
    """Any bytes make a name; PostgreSQL's text holds no NUL."""
    return producer.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


class Deduplication:
    """Highest sequence per partition and producer: recent producers in memory, those of the last
    48 hours in the database. Valid while the partitions are assigned. One task owns it.
    """

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config
        self._highest: OrderedDict[ProducerKey, int] = OrderedDict()
        self._needed: frozenset[ProducerKey] = frozenset()

    def missing(self, numbered: Iterable[ProducerSequence]) -> list[ProducerKey]:
        """Producers that have to be looked up in the database.

        `trim` keeps all producers of `numbered` until the next call: a flush may end while the
        database answers, and `new` needs every one of them.
        """
        self._needed = frozenset(each.key for each in numbered)
        return [key for key in self._needed if key not in self._highest]

    async def stored(
        self, connection: Connection, stream: Stream, keys: Sequence[ProducerKey]
    ) -> dict[ProducerKey, int]:
        """The stored sequence of each of `keys`; `NEVER` for an unknown producer."""
        cursor = await connection.execute(
            SQL["find_sequences"],
            {
                "cluster_id": stream.cluster_id,
                "topic": stream.topic,
                "kept_s": self._config.sequences_kept_s,
                "partitions": [partition for partition, _ in keys],
                "producer_ids": [producer_id for _, producer_id in keys],
            },
        )
        stored = {(row[0], row[1]): row[2] for row in await cursor.fetchall()}
        return {key: stored.get(key, NEVER) for key in keys}

    def remember(self, stored: Mapping[ProducerKey, int]) -> None:
        """What `stored` returned, if the partitions are still assigned."""
        self._highest.update(stored)

    def new(
        self, records: Sequence[Record], numbered: Sequence[ProducerSequence]
    ) -> tuple[Sequence[Record], dict[ProducerKey, int]]:
        """The records that are no duplicates, and the highest sequences among them.

        All producers of `numbered` must be remembered. The sequences returned count as seen.
        """
        highest: dict[ProducerKey, int] = {}
        duplicates: set[int] = set()
        for each in numbered:
            if each.sequence <= self._highest[each.key]:
                duplicates.add(each.index)
            else:
                self._highest[each.key] = highest[each.key] = each.sequence
                self._highest.move_to_end(each.key)
        if duplicates:
            records = [each for index, each in enumerate(records) if index not in duplicates]
        return records, highest

    def trim(self, unflushed: Collection[ProducerKey]) -> None:
        """Shrink to the allowed size; what the database does not hold yet stays."""
        excess = len(self._highest) - self._config.sequences_cached
        if excess <= 0:
            return
        idle = (key for key in self._highest if key not in unflushed and key not in self._needed)
        for key in list(islice(idle, excess)):
            del self._highest[key]

    def clear(self) -> None:
        """Partitions were revoked: other processes may consume more from the same producers."""
        self._highest.clear()
