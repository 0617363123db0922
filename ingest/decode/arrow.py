"""Arrow IPC streams → columns, whole columns at a time."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.decode.arrow_guard import streams_in
from ingest.decode.columns import NO_NAME, NO_RESULT, NO_TIMESTAMP, Columns, Names
from ingest.decode.details import fit_agent, joined_details
from ingest.decode.validate import MAX_DIFFICULTY
from ingest.errors import PoisonError
from schemas.batch import ShareDetails
from schemas.runtime.arrays import distinct
from schemas.share import RESULT_OF_WIRE, ShareResult
from schemas.topics import InvalidReason

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
    details: ShareDetails | None


def read_arrow(
    message: int, value: bytes, max_shares: int, max_inflated_bytes: int
) -> list[ArrowPart]:
    """A part for each record batch that has rows. Raises PoisonError."""
    try:
        batches: list[pa.RecordBatch] = []
        for stream in streams_in(value, max_inflated_bytes):
            batches += _batches(stream, sum(batch.num_rows for batch in batches), max_shares)
        rows = np.cumsum([0, *(batch.num_rows for batch in batches)])
        return [
            _part(message, int(first), batch)
            for first, batch in zip(rows, batches, strict=False)
            if batch.num_rows
        ]
    except _UNREADABLE as error:
        raise PoisonError(InvalidReason.MALFORMED_ARROW, str(error)) from error


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
        joined_details([(part.details, len(part.result)) for part in parts]),
    )


def _batches(stream: pa.Buffer, rows: int, max_shares: int) -> list[pa.RecordBatch]:
    """Validated batches with just the columns of a share; `rows` came before them."""
    with pa.ipc.open_stream(stream) as reader:
        wanted = _wanted(reader.schema)
        batches = []
        for batch in reader:
            rows += batch.num_rows
            # Before anything is computed from a length that no buffer backs.
            if rows > max_shares:
                raise PoisonError(InvalidReason.OVERSIZED, f"more than {max_shares} shares")
            batch = batch.select(wanted)
            # Full: offsets, UTF-8, and dictionary indices out of range.
            batch.validate(full=True)
            batches.append(batch)
    return batches


def _wanted(schema: pa.Schema) -> list[str]:
    """Names of the columns to read. Raises PoisonError if one is missing or of another type."""
    wanted = [*_REQUIRED, *([_SOURCE] if _SOURCE in schema.names else [])]
    # Of another type they are columns of somebody else's.
    details = [
        name
        for name, fits in _DETAILS.items()
        if len(places := schema.get_all_field_indices(name)) == 1
        and fits(schema.field(places[0]).type)
    ]
    for name in wanted:
        places = schema.get_all_field_indices(name)
        if len(places) != 1:
            raise PoisonError(InvalidReason.WRONG_SCHEMA, f"{len(places)} columns {name}")
        kind = schema.field(places[0]).type
        if not _FITS.get(name, _is_names)(kind):
            raise PoisonError(InvalidReason.WRONG_SCHEMA, f"column {name} is {kind}")
    return wanted + details


def _is_instant(kind: pa.DataType) -> bool:
    """A timestamp without a zone could mean any zone's clock."""
    return pa.types.is_timestamp(kind) and kind.tz is not None


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _is_names(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(fits(kind) for fits in text)


def _is_names_or_none(kind: pa.DataType) -> bool:
    """A column that holds nothing but None has no type of its own in pandas and pyarrow."""
    return bool(pa.types.is_null(kind)) or _is_names(kind)


_FITS: Final[dict[str, Any]] = {
    "timestamp": _is_instant,
    "difficulty": _is_number,
    "source": _is_names_or_none,
}


_DETAILS: Final[dict[str, Any]] = {"share_difficulty": _is_number, "agent": _is_names}


def _details(batch: pa.RecordBatch) -> ShareDetails | None:
    present = [name for name in _DETAILS if name in batch.schema.names]
    if not present:
        return None
    count = batch.num_rows
    reached, codes, agents = np.full(count, np.nan), np.full(count, -1, np.int32), list[str]()
    if "share_difficulty" in present:
        said = _difficulty(batch.column("share_difficulty"))
        reached = np.where((said > 0) & (said <= MAX_DIFFICULTY), said, np.nan)
    if "agent" in present:
        names = _names(batch.column("agent"))
        fitting = [fit_agent(name) for name in names.dictionary.to_pylist()]
        agents = list(dict.fromkeys(name for name in fitting if name))
        places = [agents.index(name) if name else -1 for name in fitting]
        # NO_NAME is -1: the last place.
        codes = np.array([*places, -1], np.int32)[_filled(names.indices, NO_NAME)]
    return ShareDetails(reached, codes, agents)


def _part(message: int, first: int, batch: pa.RecordBatch) -> ArrowPart:
    sourced = _SOURCE in batch.schema.names and batch.column(_SOURCE).null_count < batch.num_rows
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
        _details(batch),
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
        used = distinct(codes[codes != NO_NAME])
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
