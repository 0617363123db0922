"""Shares as the decoders read them: columns not validated yet, with a mark in each bad field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.batch import ShareDetails

NO_TIMESTAMP: Final = np.iinfo(np.int64).min
"""The timestamp is missing or no timestamp at all."""
NO_RESULT: Final = 255
"""The result is missing or no string; an unknown result name is `INVALID` instead."""
MALFORMED_SHARE: Final = 254
"""In place of the result: the element is no JSON at all."""
NO_NAME: Final = -1
"""A name is missing or no string. For a source: it names none, which is allowed."""


@dataclass(frozen=True, slots=True)
class Names:
    """A column of strings, as codes: int32[n] into `values`, `NO_NAME` if there is none.

    `values` may repeat a string and hold ones that no code uses.
    """

    codes: NDArray[np.int32]
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of equal length `n`.

    message       int32[n]    index of the record that the share came in
    position      int32[n]    index of the share inside its message
    timestamp_ms  int64[n]    any value, or `NO_TIMESTAMP`
    difficulty    float64[n]  any value, NaN if it is missing or no number
    result        uint8[n]    a `ShareResult`, `NO_RESULT` or `MALFORMED_SHARE`
    """

    message: NDArray[np.int32]
    position: NDArray[np.int32]
    timestamp_ms: NDArray[np.int64]
    account: Names
    worker: Names
    difficulty: NDArray[np.float64]
    result: NDArray[np.uint8]
    source: Names
    details: ShareDetails | None = None

    def __len__(self) -> int:
        return len(self.message)
