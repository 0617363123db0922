"""What was consumed since the last flush: shares in columns, offsets, sequences, dead letters."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggregator.intake.fold import MinuteRows, fold
from aggregator.intake.partitions.broker_outages import Outage
from aggregator.intake.timestamps import nameable_ms
from aggregator.intake.workers.details import SeenDetails
from ingest.dead_letters.letter import DeadLetter
from ingest.kafka.record import Record
from schemas.batch import ShareBatch


@dataclass(frozen=True, slots=True)
class LastRecord:
    """What identifies the last record consumed of a partition: if it differs, so does the log.

    `timestamp_ms` is within what the database can store, so that it comes back as it was.
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
    """The part of a checkpoint that comes from one partition, assigned under `epoch`.

    Offsets [from_offset, next_offset) are in the checkpoint, to be written all or none.
    """

    partition: int
    epoch: int
    from_offset: int
    next_offset: int
    last: Record | None = None
    stream_ms: int | None = None
    caught_up: bool = False
    # How far sources have come that are sending their history; None if none is.
    history_ms: int | None = None
    # Records that were counted before still lie ahead.
    replays: bool = False
    # The outage that has ended since the last checkpoint.
    outage: Outage | None = None


class _Columns(NamedTuple):
    """Shares, one array a field."""

    timestamp_ms: NDArray[np.int64]
    worker_index: NDArray[np.int32]
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
_CHUNKS: Final = 1_000


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
    details: SeenDetails = field(default_factory=SeenDetails)
    _chunks: list[_Columns] = field(default_factory=lambda: [_NO_SHARES])

    def add_dead_letters(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Messages to be sent to the dead letters before this checkpoint is written."""
        self.dead_letters += dead_letters
        self.dead_letter_bytes += sum(each.size_bytes for each in dead_letters)

    def add(
        self, batch: ShareBatch, worker_index: NDArray[np.int32], source: NDArray[np.int32]
    ) -> None:
        """Append shares; `worker_index`, `source` (-1: none) replace the codes of the batch."""
        if not len(batch):
            return
        self.shares += len(batch)
        self.details.add(batch, worker_index)
        chunk = _Columns(batch.timestamp_ms, worker_index, batch.difficulty, batch.result, source)
        self._chunks.append(chunk)
        if len(self._chunks) == _CHUNKS:
            self._chunks = [self._joined()]

    @property
    def is_empty(self) -> bool:
        """Nothing but stream time to write."""
        return all(part.last is None for part in self.partitions.values())

    def rows(self) -> MinuteRows:
        """The shares as worker minutes."""
        shares = self._joined()
        return fold(
            shares.timestamp_ms // 1_000,
            shares.worker_index,
            difficulty=shares.difficulty,
            result=shares.result,
            source=shares.source,
        )

    def _joined(self) -> _Columns:
        return _Columns(*map(np.concatenate, zip(*self._chunks, strict=True)))
