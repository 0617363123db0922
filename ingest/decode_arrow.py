"""Arrow IPC streams → columns, whole columns at a time."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.arrow_guard import guard
from ingest.columns import NO_NAME, NO_RESULT, NO_TIMESTAMP, Columns, Names
from ingest.errors import PoisonError
from schemas.share import RESULT_OF_WIRE, ShareResult
from schemas.topics import Reason

_REQUIRED: Final = ("timestamp", "account_name", "worker_name", "difficulty", "result")
_SOURCE: Final = "source"

# Large: the names of a whole fetch may exceed the 2 GiB that 32-bit offsets reach.
_NAMES: Final = pa.dictionary(pa.int32(), pa.large_string())

# What pyarrow raises for a torn or forged stream; OSError is its "IOError".
_UNREADABLE: Final = (
    pa.ArrowException,
    OSError,
    MemoryError,
    ValueError,
    struct.error,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class ArrowPart:
    """The columns of one record batch; `first` is the position of its first share.

    Names are dictionary arrays of `_NAMES`, so that those of a fetch can be brought under one
    dictionary by Arrow: 1,000 look-ups a message in Python cost more than all the rest.
    """

    message: int
    first: int
    timestamp_ms: NDArray[np.int64]
    account: pa.DictionaryArray
    worker: pa.DictionaryArray
    difficulty: NDArray[np.float64]
    result: NDArray[np.uint8]
    source: pa.DictionaryArray


def read_arrow(
    message: int, value: bytes, max_shares: int, max_inflated_bytes: int
) -> list[ArrowPart]:
    """A part for each record batch that has rows. Raises PoisonError."""
    try:
        guard(value, max_inflated_bytes)
        batches = _batches(value, max_shares)
        rows = np.cumsum([0, *(batch.num_rows for batch in batches)])
        return [
            _part(message, int(first), batch)
            for first, batch in zip(rows, batches, strict=False)
            if batch.num_rows
        ]
    except _UNREADABLE as error:
        raise PoisonError(Reason.MALFORMED_ARROW, str(error)) from error


def arrow_columns(parts: Sequence[ArrowPart]) -> Columns:
    """All parts of a fetch, at least one, end to end."""
    lengths = [len(part.result) for part in parts]
    return Columns(
        np.repeat(np.array([part.message for part in parts], np.int32), lengths),
        np.concatenate(
            [
                np.arange(part.first, part.first + rows, dtype=np.int32)
                for part, rows in zip(parts, lengths, strict=True)
            ]
        ),
        np.concatenate([part.timestamp_ms for part in parts]),
        _unified([part.account for part in parts]),
        _unified([part.worker for part in parts]),
        np.concatenate([part.difficulty for part in parts]),
        np.concatenate([part.result for part in parts]),
        _unified([part.source for part in parts]),
    )


def _batches(value: bytes, max_shares: int) -> list[pa.RecordBatch]:
    """Validated batches with just the columns of a share."""
    with pa.ipc.open_stream(value) as reader:
        wanted = _wanted(reader.schema)
        batches, rows = [], 0
        for batch in reader:
            rows += batch.num_rows
            # Before anything is computed from a length that no buffer stands behind.
            if rows > max_shares:
                raise PoisonError(Reason.OVERSIZED, f"more than {max_shares} shares")
            batch = batch.select(wanted)
            # Full: offsets, UTF-8, and dictionary indices out of range.
            batch.validate(full=True)
            batches.append(batch)
    return batches


def _wanted(schema: pa.Schema) -> list[str]:
    """Names of the columns to read. Raises PoisonError where one is missing or of another type."""
    wanted = [*_REQUIRED, *([_SOURCE] if _SOURCE in schema.names else [])]
    for name in wanted:
        places = schema.get_all_field_indices(name)
        if len(places) != 1:
            raise PoisonError(Reason.WRONG_SCHEMA, f"{len(places)} columns {name}")
        kind = schema.field(places[0]).type
        if not _FITS.get(name, _is_names)(kind):
            raise PoisonError(Reason.WRONG_SCHEMA, f"column {name} is {kind}")
    return wanted


def _is_instant(kind: pa.DataType) -> bool:
    """A timestamp without a zone could mean any zone's clock."""
    return pa.types.is_timestamp(kind) and kind.tz is not None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_names(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


_FITS: Final[dict[str, Any]] = {"timestamp": _is_instant, "difficulty": _is_number}


def _part(message: int, first: int, batch: pa.RecordBatch) -> ArrowPart:
    sourced = _SOURCE in batch.schema.names
    unnamed = pa.nulls(batch.num_rows, pa.string())
    return ArrowPart(
        message,
        first,
        _timestamp_ms(batch.column("timestamp")),
        _names(batch.column("account_name")),
        _names(batch.column("worker_name")),
        _difficulty(batch.column("difficulty")),
        _result(_names(batch.column("result"))),
        _names(batch.column(_SOURCE) if sourced else unnamed),
    )


def _timestamp_ms(column: pa.Array) -> NDArray[np.int64]:
    """Rounded down to milliseconds; seconds that overflow them are no timestamp."""
    ticks = _filled(column.view(pa.int64()), NO_TIMESTAMP)
    per_ms = {"us": 1_000, "ns": 1_000_000}.get(column.type.unit)
    if per_ms is not None:
        return np.where(ticks == NO_TIMESTAMP, NO_TIMESTAMP, ticks // per_ms)
    if column.type.unit == "s":
        fits = np.abs(ticks.astype(np.float64)) < 2**53
        return np.where(fits, np.where(fits, ticks, 0) * 1_000, NO_TIMESTAMP)
    return ticks


def _difficulty(column: pa.Array) -> NDArray[np.float64]:
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    return _filled(column, float("nan"))


def _filled(column: pa.Array, otherwise: float) -> NDArray[Any]:
    """The column as an array, nulls as `otherwise`."""
    if column.null_count:
        column = column.fill_null(otherwise)
    return column.to_numpy()  # type: ignore[no-any-return]


def _names(column: pa.Array) -> pa.DictionaryArray:
    """The column as `_NAMES`; nulls only in its indices."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    codes = _filled(column.indices.cast(pa.int32()), NO_NAME)
    dictionary = column.dictionary
    if dictionary.null_count:
        holes = np.append(dictionary.is_null().to_numpy(zero_copy_only=False), False)
        codes = np.where(holes[codes], np.int32(NO_NAME), codes)
        dictionary = dictionary.fill_null("")
    if len(dictionary) > len(codes):
        # A producer may keep one large dictionary and send small batches.
        used = np.unique(codes[codes != NO_NAME])
        dictionary = dictionary.take(pa.array(used))
        codes = np.where(codes == NO_NAME, NO_NAME, np.searchsorted(used, codes)).astype(np.int32)
    missing = codes == NO_NAME
    indices = pa.array(codes, mask=missing) if missing.any() else pa.array(codes)
    names = dictionary.cast(_NAMES.value_type)
    return pa.DictionaryArray.from_arrays(indices, names, safe=False)


def _unified(parts: Sequence[pa.DictionaryArray]) -> Names:
    chunks = pa.chunked_array(parts, _NAMES).unify_dictionaries().chunks
    codes = np.concatenate([_filled(chunk.indices, NO_NAME) for chunk in chunks])
    return Names(codes, chunks[-1].dictionary.to_pylist())


def _result(names: pa.DictionaryArray) -> NDArray[np.uint8]:
    known = names.dictionary.to_pylist()
    codes = [RESULT_OF_WIRE.get(name, ShareResult.INVALID) for name in known]
    # NO_NAME is -1: the last place.
    return np.array([*codes, NO_RESULT], np.uint8).take(_filled(names.indices, NO_NAME))
