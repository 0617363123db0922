"""Columns of text from a CSV → columns of shares; what does not fit is counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ingest.decode.validate import MAX_DIFFICULTY
from schemas.batch import WorkerKey

# Before the first block of Bitcoin (2009-01-03) nobody mined.
FIRST_MS: Final = 1_230_940_800_000
LAST_MS: Final = 4_102_444_800_000
"""The year 2100: a number beyond it is no time, or one in microseconds."""
_SECONDS_BELOW: Final = 100_000_000_000
"""A smaller number of time is seconds, a larger one milliseconds."""


def times_ms(column: pa.Array) -> NDArray[np.int64]:
    """RFC 3339 (UTC without an offset), epoch seconds or milliseconds; 0 for what is no time."""
    text = pd.Series(column.to_numpy(zero_copy_only=False))
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    ms = np.where(numbers < _SECONDS_BELOW, numbers * 1_000, numbers)
    written = np.isnan(numbers)
    if written.any():
        dates = pd.to_datetime(text[written], format="ISO8601", utc=True, errors="coerce")
        ms[written] = dates.dt.as_unit("ms").astype("int64").to_numpy()
        ms[written] = np.where(dates.isna(), 0, ms[written])
    return np.where((ms >= FIRST_MS) & (ms <= LAST_MS), ms, 0).astype(np.int64)


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """NaN for what is no number that a difficulty could be, 0 for an empty cell."""
    text = pd.Series(column.to_numpy(zero_copy_only=False)).replace("", "0")
    found = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    return np.where((found >= 0) & (found <= MAX_DIFFICULTY), found, np.nan)


def keys(
    *columns: pa.Array, key_of: Callable[..., WorkerKey | None]
) -> tuple[NDArray[np.int32], list[WorkerKey]]:
    """Codes of workers, one look at each distinct login; -1 for one without an account."""
    codes = np.zeros(len(columns[0]), np.int64)
    distinct: list[list[str]] = []
    for column in columns:
        encoded = column.dictionary_encode()
        distinct.append(encoded.dictionary.to_pylist())
        codes = codes * max(1, len(distinct[-1])) + encoded.indices.to_numpy()
    code, logins = pd.factorize(codes)
    found: list[WorkerKey] = []
    number_of = np.full(len(logins), -1, np.int32)
    numbers_by_key: dict[WorkerKey, int] = {}
    for place, login in enumerate(logins.tolist()):
        names = []
        for values in reversed(distinct):
            login, index = divmod(login, max(1, len(values)))
            names.append(values[index])
        key = key_of(*reversed(names))
        if key is not None:
            number_of[place] = numbers_by_key.setdefault(key, len(numbers_by_key))
    found.extend(numbers_by_key)
    return number_of[code].astype(np.int32), found


def refusals(*faults: tuple[str, NDArray[np.bool_]]) -> tuple[NDArray[np.bool_], Counter[str]]:
    """Which rows are good, and how many are not, each under its first fault."""
    good = np.ones(len(faults[0][1]), np.bool_)
    counts: Counter[str] = Counter()
    for reason, bad in faults:
        if count := int((good & bad).sum()):
            counts[reason] += count
        good &= ~bad
    return good, counts
