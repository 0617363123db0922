"""What a reader of history hands over: some records of one stream, as shares in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.batch import ShareBatch

SHARE_S: Final = 0
"""`span_s` of records that are single shares."""


@dataclass(frozen=True, slots=True)
class HistoryChunk:
    """Records [start, end) of a stream: places are bytes of a file or offsets of a partition.

    last_crc  of what lies just before `end`, so that a changed file is noticed
    records   how many there were; those that are no share are in `refused`, by reason
    span_s    time that one record stands for: 0 for a share, 3,600 for an hour's figure
    weights   int8[n], how many records each row of the batch stands for (None: one): an hour's
              figure may be a row of accepted and a row of rejected work
    """

    stream: str
    start: int
    end: int
    last_crc: int
    batch: ShareBatch
    records: int
    refused: Counter[str] = field(default_factory=Counter)
    span_s: int = SHARE_S
    weights: NDArray[np.int8] | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Where to go on in a stream: at `place`; no chunk may reach across `seam` (-1: none).

    `last_crc` is that of what lies before `seam`, or before `place` where there is none.
    """

    place: int
    last_crc: int
    seam: int = -1


class History(Protocol):
    """A source of history; opened once, read once.

    Raises FatalError for what is not what was imported before, or cannot be read at all.
    """

    # Places of all streams together, for the progress bar.
    total: int
    # Files and folders without permission, and damaged files.
    unreadable: int

    def chunks(self, starts: Mapping[str, Start]) -> AsyncIterator[HistoryChunk]:
        """All records from `starts` on; of a stream that is not among them, all."""
        ...
