"""Messages that a producer sent before: known by its id and a sequence that only rises."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.offsets import Connection, Stream
from ingest.record import Record
from schemas.named_sql import load
from schemas.topics import PRODUCER_ID, SEQUENCE

SQL: Final = load("aggregator.minutes", "sql/flush.sql")

ProducerKey = tuple[int, str]
"""(partition, producer id)"""

NEVER: Final = -1
_PRODUCER_ID_MAX: Final = 256
_INT8_MAX: Final = 2**63 - 1
_DIGITS_MAX: Final = 19


@dataclass(frozen=True, slots=True)
class Mark:
    """Producer and sequence of the message at `index` of a fetch."""

    index: int
    key: ProducerKey
    sequence: int


def marks_of(records: Sequence[Record]) -> list[Mark]:
    """The messages that name their producer and sequence, in order; others can't be repeats."""
    marks = []
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
                marks.append(Mark(index, (record.partition, _name(producer)), number))
    return marks


def _number(sequence: bytes) -> int | None:
    if not sequence.isdigit() or len(sequence) > _DIGITS_MAX:
        return None
    number = int(sequence)
    return number if number <= _INT8_MAX else None


def _name(producer: bytes) -> str:
    """Any bytes make a name; PostgreSQL's text holds no NUL."""
    return producer.decode("utf-8", "backslashreplace").replace("\x00", "\\x00")


class Repeats:
    """Highest sequence taken per partition and producer: in memory the producers heard of lately,
    in the database all of the last 48 hours. Valid while the partitions are held. One task owns it.
    """

    def __init__(self, config: IntakeConfig) -> None:
        self._config = config
        self._highest: OrderedDict[ProducerKey, int] = OrderedDict()
        self._asked: frozenset[ProducerKey] = frozenset()

    def missing(self, marks: Iterable[Mark]) -> list[ProducerKey]:
        """Producers that only the database can tell about.

        Those of `marks` stay until the next call: while the database is asked about some of them, a
        flush may end and `trim`, and `fresh` needs them all.
        """
        self._asked = frozenset(mark.key for mark in marks)
        return [key for key in self._asked if key not in self._highest]

    async def stored(
        self, connection: Connection, stream: Stream, keys: Sequence[ProducerKey]
    ) -> dict[ProducerKey, int]:
        """What the database holds of `keys`; `NEVER` of a producer not heard of."""
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
        """Answers of `stored`, if the partitions are still held."""
        self._highest.update(stored)

    def fresh(
        self, records: Sequence[Record], marks: Sequence[Mark]
    ) -> tuple[Sequence[Record], dict[ProducerKey, int]]:
        """The records that are no repeats, and the highest sequences they bring.

        All producers of `marks` must be remembered. Remembers what it answers.
        """
        taken: dict[ProducerKey, int] = {}
        repeated: set[int] = set()
        for mark in marks:
            if mark.sequence <= self._highest[mark.key]:
                repeated.add(mark.index)
            else:
                self._highest[mark.key] = taken[mark.key] = mark.sequence
                self._highest.move_to_end(mark.key)
        if repeated:
            records = [each for index, each in enumerate(records) if index not in repeated]
        return records, taken

    def trim(self, unflushed: Collection[ProducerKey]) -> None:
        """Back to the size allowed; what the database does not hold yet stays."""
        excess = len(self._highest) - self._config.sequences_cached
        if excess <= 0:
            return
        idle = (key for key in self._highest if key not in unflushed and key not in self._asked)
        for key in list(islice(idle, excess)):
            del self._highest[key]

    def clear(self) -> None:
        """Partitions were given back: others may take more from the same producers."""
        self._highest.clear()
