"""What numpy does slowly."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=np.integer)


def distinct(values: NDArray[T]) -> NDArray[T]:
    """`values` (integers[n]) ascending, each once.

    `np.unique` hashes integers since numpy 2.3: 0.5 s for a million, against 0.02 s by sorting.
    """
    ordered = np.sort(values)
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]
