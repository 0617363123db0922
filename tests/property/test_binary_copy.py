"""The binary COPY buffer holds what a plain reading of PostgreSQL's format finds in it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from aggregator.postgres.binary_copy import binary_copy

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
FORMATS = {4: ">i", 8: ">q"}


def plain_reading(data: bytes) -> list[tuple[int | None, ...]]:
    """Row by row, as the documentation of COPY describes it."""
    assert data.startswith(HEADER)
    at, rows = len(HEADER), []
    while (fields := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        row: list[Any] = []
        for _ in range(fields):
            size = struct.unpack_from(">i", data, at)[0]
            at += 4
            row.append(None if size == -1 else struct.unpack_from(FORMATS[size], data, at)[0])
            at += max(size, 0)
        rows.append(tuple(row))
    assert at + 2 == len(data)
    return rows


@given(st.data(), st.integers(0, 60))
def test_every_row_arrives_with_its_nulls(data: st.DataObject, count: int) -> None:
    columns = {
        "small": data.draw(arrays.arrays(np.int32, count)),
        "large": data.draw(arrays.arrays(np.int64, count)),
        "other": data.draw(arrays.arrays(np.int32, count)),
    }
    nulls = {name: data.draw(arrays.arrays(np.bool_, count)) for name in ("large", "other")}
    found = plain_reading(binary_copy(columns, (">i4", ">i8", ">i4"), nulls=nulls))
    expected = [
        tuple(
            None if name in nulls and nulls[name][row] else int(values[row])
            for name, values in columns.items()
        )
        for row in range(count)
    ]
    key = str
    assert sorted(found, key=key) == sorted(expected, key=key)


def test_without_nulls_rows_keep_their_order() -> None:
    columns = {"a": np.arange(5, dtype=np.int32)}
    assert plain_reading(binary_copy(columns, (">i4",))) == [(n,) for n in range(5)]
