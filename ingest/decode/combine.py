"""Columns of several messages → one batch under one dictionary of workers and one of sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike, NDArray

from ingest.decode.columns import NO_NAME, Columns, Names
from ingest.decode.details import joined_details
from schemas.batch import ShareBatch, WorkerKey
from schemas.names.account_name import composed

Kept = tuple[Columns, NDArray[np.bool_]]
"""Columns and which of their rows to keep; the kept ones have all their names."""


def batch_of_columns(parts: Sequence[Kept]) -> ShareBatch:
    """The kept rows of all parts, in their order."""
    workers: dict[WorkerKey, int] = {}
    # An empty source is none.
    sources: dict[str, int] = {"": NO_NAME}
    worker = [_worker_codes(part, keep, workers) for part, keep in parts]
    source = [_source_codes(part.source, keep, sources) for part, keep in parts]
    return ShareBatch(
        joined([part.timestamp_ms[keep] for part, keep in parts], np.int64),
        joined(worker, np.int32),
        joined([part.difficulty[keep] for part, keep in parts], np.float64),
        joined([part.result[keep] for part, keep in parts], np.uint8),
        joined(source, np.int32),
        list(workers),
        list(sources)[1:],
        joined_details(
            [(part.details and part.details.filter(keep), int(keep.sum())) for part, keep in parts]
        ),
    )


def joined(arrays: Sequence[NDArray[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """The arrays end to end; an empty one if there are none."""
    if not arrays:
        return np.empty(0, dtype)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _worker_codes(
    part: Columns, keep: NDArray[np.bool_], workers: dict[WorkerKey, int]
) -> NDArray[np.int32]:
    """Index into `workers` of each kept row; one look-up per distinct worker of the part."""
    width = max(1, len(part.worker.values))
    pairs = part.account.codes[keep].astype(np.int64) * width + part.worker.codes[keep]
    codes, distinct = pd.factorize(pairs)
    accounts, names = composed(part.account.values), composed(part.worker.values)
    account = list(map(accounts.__getitem__, (distinct // width).tolist()))
    name = list(map(names.__getitem__, (distinct % width).tolist()))
    # Most workers of a fetch were in an earlier message of it: found without a line of Python each.
    slots = list(map(workers.get, zip(account, name, strict=True)))
    for place, slot in enumerate(slots):
        if slot is None:
            slots[place] = workers.setdefault((account[place], name[place]), len(workers))
    found: NDArray[np.int32] = np.array(slots, np.int32)[np.asarray(codes, np.intp)]
    return found


def _source_codes(
    source: Names, keep: NDArray[np.bool_], sources: dict[str, int]
) -> NDArray[np.int32]:
    """Index into `sources` of each kept row, `NO_NAME` if it names none."""
    slots = [sources.setdefault(name, len(sources) - 1) for name in source.values]
    # NO_NAME is -1: the last place.
    return np.array([*slots, NO_NAME], np.int32)[source.codes[keep]]
