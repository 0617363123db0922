"""JSON messages → columns: an object, an array of objects, or newline-separated objects.

A fetch is decoded in runs of messages whose objects become columns while they are still in the
processor's cache (a whole fetch at once takes 1.3 times as long). Names become codes by Arrow's
dictionary encoding: 80 ns a share and column, where a dict of (account, worker) takes 600.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingest.decode.columns import MALFORMED_SHARE, NO_NAME, NO_RESULT, NO_TIMESTAMP, Columns, Names
from ingest.decode.details import details_in, joined_details
from ingest.decode.invalid import InvalidMessage
from ingest.decode.json_elements import UNREADABLE
from ingest.decode.json_salvage import MALFORMED, ONE_OR_MANY, JsonShare, salvage
from ingest.decode.rfc3339 import parse_ms
from ingest.errors import PoisonError
from schemas.batch import ShareDetails
from schemas.share import RESULT_OF_WIRE, ShareResult
from schemas.topics import InvalidReason

# About a thousand shares: their objects fit into a second-level cache.
_RUN_BYTES: Final = 128 * 1024

# The code of a salvaged share's result, which is None; unknown names are `INVALID`.
_RESULTS: Final = dict[str | None, int](RESULT_OF_WIRE.items()) | {
    None: NO_RESULT,
    MALFORMED: MALFORMED_SHARE,
}
_UNKNOWN_RESULT: Final = int(ShareResult.INVALID)


@dataclass(frozen=True, slots=True)
class _Run:
    """The shares of a run of messages; names still as Arrow strings."""

    message: NDArray[np.int32]
    position: NDArray[np.int32]
    timestamp_ms: NDArray[np.int64]
    account: pa.Array
    worker: pa.Array
    difficulty: NDArray[np.float64]
    result: NDArray[np.uint8]
    source: pa.Array
    details: ShareDetails | None


def decode_json(
    messages: Sequence[int], values: Sequence[bytes], max_shares: int
) -> tuple[Columns | None, list[InvalidMessage]]:
    """Columns of all shares of `values`; None if there are none.

    `messages` are the indices of the records that the values came in. A message with more than
    `max_shares` is rejected.
    """
    runs: list[_Run] = []
    invalid: list[InvalidMessage] = []
    for run in _runs(values):
        decoded = _decoded(values[run], max_shares)
        if all(type(each) is JsonShare for each in decoded):
            # Messages of one share: no list around each of them.
            runs.append(_run(decoded, *_single_places(messages[run])))
            continue
        groups, bad = _groups(messages[run], decoded, max_shares)
        invalid += bad
        shares = list(chain.from_iterable(groups))
        if shares:
            runs.append(_run(shares, *_places(messages[run], groups)))
    return (_concatenated(runs) if runs else None), invalid


def _runs(values: Sequence[bytes]) -> Iterator[slice]:
    """Consecutive slices of about `_RUN_BYTES` each, or of one larger message."""
    start, size = 0, 0
    for end, value in enumerate(values):
        size += len(value)
        if size > _RUN_BYTES and end > start:
            yield slice(start, end)
            start, size = end, len(value)
    if start < len(values):
        yield slice(start, len(values))


def _decoded(values: Sequence[bytes], max_shares: int) -> list[Any]:
    """For each message a `JsonShare`, a list of them, or the PoisonError that says why not."""
    decoded: list[Any] = []
    typed = map(ONE_OR_MANY.decode, values)
    while True:
        try:
            # What was decoded before an error stays in the list, and the map goes on after it.
            decoded.extend(typed)
        except UNREADABLE:
            decoded.append(_salvaged(values[len(decoded)], max_shares))
        else:
            return decoded


def _groups(
    messages: Sequence[int], decoded: Sequence[Any], max_shares: int
) -> tuple[list[list[JsonShare]], list[InvalidMessage]]:
    """The shares of each message, none where it is rejected, and the invalid."""
    groups: list[list[JsonShare]] = []
    invalid: list[InvalidMessage] = []
    for index, each in zip(messages, decoded, strict=True):
        if isinstance(each, PoisonError):
            invalid.append(InvalidMessage(index, each.reason, each.detail))
            groups.append([])
        elif isinstance(each, JsonShare):
            groups.append([each])
        elif len(each) > max_shares:
            invalid.append(InvalidMessage(index, InvalidReason.OVERSIZED, f"{len(each)} shares"))
            groups.append([])
        else:
            groups.append(each)
    return groups, invalid


def _salvaged(value: bytes, max_shares: int) -> list[JsonShare] | PoisonError:
    try:
        return salvage(value, max_shares)
    except PoisonError as error:
        return error


def _single_places(messages: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return np.asarray(messages, np.int32), np.zeros(len(messages), np.int32)


def _places(
    messages: Sequence[int], groups: Sequence[Sequence[JsonShare]]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Message and position of each share."""
    lengths = np.fromiter(map(len, groups), np.int32, len(groups))
    starts = np.cumsum(lengths, dtype=np.int32) - lengths
    position = np.arange(lengths.sum(), dtype=np.int32) - np.repeat(starts, lengths)
    return np.repeat(np.asarray(messages, np.int32), lengths), position


def _run(
    shares: Sequence[JsonShare], message: NDArray[np.int32], position: NDArray[np.int32]
) -> _Run:
    code = _RESULTS.get
    return _Run(
        message,
        position,
        _timestamps([share.timestamp for share in shares]),
        pa.array([share.account_name for share in shares], pa.string()),
        pa.array([share.worker_name for share in shares], pa.string()),
        np.array([share.difficulty for share in shares], np.float64),
        np.array([code(share.result, _UNKNOWN_RESULT) for share in shares], np.uint8),
        pa.array([share.source for share in shares], pa.string()),
        details_in((share.share_difficulty, share.agent) for share in shares),
    )


def _timestamps(values: Sequence[float | str]) -> NDArray[np.int64]:
    try:
        column = pa.array(values)
    except (pa.ArrowException, OverflowError):
        column = None
    if column is not None and column.type == pa.int64():
        return column.to_numpy()  # type: ignore[no-any-return]
    return np.array([_timestamp(value) for value in values], np.int64)


def _timestamp(value: float | str) -> int:
    if isinstance(value, str):
        return parse_ms(value)
    if isinstance(value, float):
        # 1790265931000.0 and 1.790265931e+12 are integers, in JSON and in the published schema.
        return int(value) if value.is_integer() and abs(value) < 2**53 else NO_TIMESTAMP
    # Above int64 it is in no calendar either.
    return value if abs(value) < 2**63 else NO_TIMESTAMP


def _concatenated(runs: Sequence[_Run]) -> Columns:
    return Columns(
        np.concatenate([run.message for run in runs]),
        np.concatenate([run.position for run in runs]),
        np.concatenate([run.timestamp_ms for run in runs]),
        _names([run.account for run in runs]),
        _names([run.worker for run in runs]),
        np.concatenate([run.difficulty for run in runs]),
        np.concatenate([run.result for run in runs]),
        _names([run.source for run in runs]),
        joined_details([(run.details, len(run.message)) for run in runs]),
    )


def _names(parts: Sequence[pa.Array]) -> Names:
    encoded = pa.chunked_array(parts).dictionary_encode()
    codes = [chunk.indices.fill_null(NO_NAME).to_numpy() for chunk in encoded.chunks]
    # All chunks share one dictionary, the last of which is complete.
    return Names(np.concatenate(codes), encoded.chunks[-1].dictionary.to_pylist())
