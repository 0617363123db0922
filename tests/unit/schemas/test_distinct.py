"""Each integer once, ascending."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from schemas.runtime.arrays import distinct


@pytest.mark.parametrize("kind", [np.int16, np.int32, np.int64])
def test_of_nothing(kind: Any) -> None:
    found = distinct(np.empty(0, kind))
    assert (found.tolist(), found.dtype) == ([], kind)


@given(arrays.arrays(np.int32, arrays.array_shapes(max_dims=1, max_side=50)))
def test_as_a_set_has_them(values: NDArray[np.int32]) -> None:
    before = values.tolist()
    assert distinct(values).tolist() == sorted(set(before))
    assert values.tolist() == before
