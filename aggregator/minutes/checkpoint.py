"""What was taken in since the last flush: shares in columns, offsets, sequences, dead letters."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

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


class _Columns(NamedTuple):
    """Shares, one array a field."""

    timestamp_ms: NDArray[np.int64]
    slot: NDArray[np.int32]
    difficulty: NDArray[np.float64]
    result: NDArray[np.uint8]
    source: NDArray[np.int32]


_NO_SHARES: Final = _Columns(
    np.empty(0, np.int64),
    np.empty(0, np.int32),
    np.empty(0),
    np.empty(0, np.uint8),
    np.empty(0, np.int32),
)
# An array takes some 150 B beside its numbers: fetches of a share each would take 850 B a share.
_PIECES: Final = 1_000


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
    _pieces: list[_Columns] = field(default_factory=lambda: [_NO_SHARES])

    def add_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Messages to be sent to the dead letters before this checkpoint is written."""
        self.dead_letters += letters
        self.dead_letter_bytes += sum(letter.size_bytes for letter in letters)

    def add(self, batch: ShareBatch, slot: NDArray[np.int32], source: NDArray[np.int32]) -> None:
        """Append shares; `slot` and `source` (-1 for none) take the place of the batch's codes."""
        if not len(batch):
            return
        self.shares += len(batch)
        piece = _Columns(batch.timestamp_ms, slot, batch.difficulty, batch.result, source)
        self._pieces.append(piece)
        if len(self._pieces) == _PIECES:
            self._pieces = [self._joined()]

    @property
    def is_empty(self) -> bool:
        """Nothing but stream time to write."""
        return all(part.last is None for part in self.partitions.values())

    def rows(self) -> MinuteRows:
        """The shares as worker minutes."""
        shares = self._joined()
        return fold(
            shares.timestamp_ms // 1_000,
            shares.slot,
            difficulty=shares.difficulty,
            result=shares.result,
            source=shares.source,
        )

    def _joined(self) -> _Columns:
        return _Columns(*map(np.concatenate, zip(*self._pieces, strict=True)))
