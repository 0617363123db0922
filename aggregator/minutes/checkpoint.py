"""What was taken in since the last flush: shares in columns, offsets, sequences, dead letters."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aggregator.minutes.fold import MinuteRows, fold
from aggregator.minutes.instants import nameable_ms
from aggregator.minutes.outages import Outage
from ingest.dead_letter import DeadLetter
from ingest.record import Record
from schemas.batch import ShareBatch


@dataclass(frozen=True, slots=True)
class LastRecord:
    """What identifies the last record taken from a partition: another one there is another log.

    `timestamp_ms` is the record's as the database can name it, so that it comes back as it was.
    """

    offset: int
    timestamp_ms: int
    crc: int

    @classmethod
    def of(cls, record: Record) -> LastRecord:
        crc = zlib.crc32(record.value or b"", zlib.crc32(record.key or b""))
        return cls(record.offset, nameable_ms(record.timestamp), crc)


@dataclass(slots=True)
class PartitionShare:
    """The part of a checkpoint that comes from one partition, held under `epoch`.

    Offsets [from_offset, next_offset) are in the checkpoint, to be written all or none.
    """

    partition: int
    epoch: int
    from_offset: int
    next_offset: int
    last: Record | None = None
    stream_ms: int | None = None
    caught_up: bool = False
    # Records that were counted before lie ahead still.
    replays: bool = False
    # The outage that has ended since the last checkpoint.
    outage: Outage | None = None


@dataclass(slots=True)
class Checkpoint:
    """Grows while shares come in, is sealed by handing it to a flush. One task owns it.

    Raw columns cost 25 B a share; folding once per flush costs less than folding each fetch.
    """

    partitions: dict[int, PartitionShare] = field(default_factory=dict)
    sequences: dict[tuple[int, str], int] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    dead_letter_bytes: int = 0
    shares: int = 0
    _timestamps: list[NDArray[np.int64]] = field(default_factory=list)
    _slots: list[NDArray[np.int32]] = field(default_factory=list)
    _difficulties: list[NDArray[np.float64]] = field(default_factory=list)
    _results: list[NDArray[np.uint8]] = field(default_factory=list)
    _sources: list[NDArray[np.int32]] = field(default_factory=list)

    def add_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Messages to be sent to the dead letters before this checkpoint is written."""
        self.dead_letters += letters
        self.dead_letter_bytes += sum(letter.size_bytes for letter in letters)

    def add(self, batch: ShareBatch, slot: NDArray[np.int32], source: NDArray[np.int32]) -> None:
        """Append shares; `slot` and `source` (-1 for none) take the place of the batch's codes."""
        self._timestamps.append(batch.timestamp_ms)
        self._slots.append(slot)
        self._difficulties.append(batch.difficulty)
        self._results.append(batch.result)
        self._sources.append(source)
        self.shares += len(batch)

    @property
    def is_empty(self) -> bool:
        """Nothing but stream time to write."""
        return all(part.last is None for part in self.partitions.values())

    def rows(self) -> MinuteRows:
        """The shares as worker minutes."""
        if not self.shares:
            empty = np.empty(0, np.int64)
            return fold(
                empty,
                empty,
                difficulty=np.empty(0),
                result=np.empty(0, np.uint8),
                source=np.empty(0, np.int32),
            )
        return fold(
            np.concatenate(self._timestamps) // 1_000,
            np.concatenate(self._slots),
            difficulty=np.concatenate(self._difficulties),
            result=np.concatenate(self._results),
            source=np.concatenate(self._sources),
        )
