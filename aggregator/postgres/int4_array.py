"""An array of ids as one parameter, without a Python object for each."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

_TYPE: Final = psycopg.adapters.types["int4"]
_ELEMENT: Final = np.dtype([("bytes", ">i4"), ("value", ">i4")])


@dataclass(frozen=True, slots=True)
class Int4Array:
    """A parameter `int4[]`: psycopg writes every number of a list as text, 1 µs each."""

    values: NDArray[np.int32]


class _Int4ArrayDumper(Dumper):
    """As `array_send` of PostgreSQL writes it: dimensions, whether there are nulls, type of the
    elements; length and first index of the dimension; the elements, each after its length."""

    format = Format.BINARY
    oid = _TYPE.array_oid

    def dump(self, obj: Int4Array) -> bytes:
        elements = np.empty(len(obj.values), _ELEMENT)
        elements["bytes"] = 4
        elements["value"] = obj.values
        return pack(">5i", 1, 0, _TYPE.oid, len(elements), 1) + elements.tobytes()


psycopg.adapters.register_dumper(Int4Array, _Int4ArrayDumper)
