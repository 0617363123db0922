"""Figures by the hour as CSV, from any pool: what each worker did in each hour.

    account,worker,hour,accepted,rejected
    alice,rig1,2025-11-03T07:00:00Z,1843200,4096

`account` and `worker`, or `worker` alone as a login (`alice.rig1`); `hour` is its beginning.
`accepted` and `rejected` are sums of difficulty; `hashrate` and `rejectrate` in H/s in their place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ingest.errors import FatalError
from ingest.feeds.names import fit_account_name, fit_worker_name
from ingest.history.chunk import HistoryChunk, Start
from ingest.history.csv_file import CsvBlock, CsvFile
from ingest.history.rows import keys, numbers, refusals, times_ms
from schemas.batch import ShareBatch, WorkerKey
from schemas.share import ShareResult
from schemas.units import HASHES_PER_DIFFICULTY

HOUR_S: Final = 3_600
_SUMS: Final = {"accepted": "hashrate", "rejected": "rejectrate"}
_WANTED: Final = ("account", "worker", "hour", *_SUMS, *_SUMS.values())


class HourlyHistory:
    """Some files of hourly figures."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [CsvFile(path, "csv", by_content=True) for path in paths]
        for path, file in zip(paths, self._files, strict=True):
            if not {"worker", "hour"} <= set(file.names):
                raise FatalError(f"{path} needs columns worker and hour in its header")
            if not {"accepted", "hashrate"} & set(file.names):
                raise FatalError(f"{path} needs a column accepted or hashrate in its header")
            for sums, rate in _SUMS.items():
                if {sums, rate} <= set(file.names):
                    raise FatalError(f"{path} has both {sums} and {rate}: leave one of them out")
        self.unreadable = 0
        self.total = sum(file.size for file in self._files)

    async def chunks(self, starts: Mapping[str, Start]) -> AsyncIterator[HistoryChunk]:
        for file in self._files:
            blocks = file.blocks(starts.get(file.stream), wanted=_WANTED)
            while block := await asyncio.to_thread(next, blocks, None):
                yield await asyncio.to_thread(_chunk, file.stream, block)


def _chunk(stream: str, block: CsvBlock) -> HistoryChunk:
    """A row becomes one of accepted work, and one of rejected work where there is any."""
    columns = block.columns
    at_ms = times_ms(columns["hour"])
    accepted, rejected = (_sums(block, sums, rate) for sums, rate in _SUMS.items())
    logins = [columns[name] for name in ("account", "worker") if name in columns]
    worker, workers = keys(*logins, key_of=_key_of_login if len(logins) == 1 else _key)
    good, refused = refusals(
        ("bad_timestamp", at_ms == 0),
        ("not_an_hour", at_ms % (HOUR_S * 1_000) != 0),
        ("bad_difficulty", np.isnan(accepted) | np.isnan(rejected)),
        ("no_account", worker < 0),
        ("duplicate_hour", pd.DataFrame({"worker": worker, "at": at_ms}).duplicated().to_numpy()),
    )
    if block.malformed:
        refused["malformed_line"] += block.malformed
    parts = [
        (np.flatnonzero(good & (sums > 0)), sums, result)
        for sums, result in ((accepted, ShareResult.ACCEPTED), (rejected, ShareResult.INVALID))
    ]
    rows = np.concatenate([chosen for chosen, _, _ in parts])
    batch = ShareBatch(
        at_ms[rows],
        worker[rows],
        np.concatenate([sums[chosen] for chosen, sums, _ in parts]),
        np.concatenate([np.full(len(chosen), result, np.uint8) for chosen, _, result in parts]),
        np.full(len(rows), -1, np.int32),
        workers,
        [],
    )
    weights = np.ones(len(rows), np.int8)
    weights[len(parts[0][0]) :] = accepted[parts[1][0]] <= 0
    return HistoryChunk(
        stream,
        block.start,
        block.end,
        block.last_crc,
        batch,
        block.records,
        refused,
        HOUR_S,
        weights,
    )


def _sums(block: CsvBlock, sums: str, rate: str) -> NDArray[np.float64]:
    """Difficulty in the hour; 0 where the file says nothing of it."""
    if sums in block.columns:
        return numbers(block.columns[sums])
    if rate in block.columns:
        return numbers(block.columns[rate]) * HOUR_S / HASHES_PER_DIFFICULTY
    return np.zeros(block.rows)


def _key(account: str, worker: str) -> WorkerKey | None:
    if not account.strip():
        return None
    return fit_account_name(account), fit_worker_name(worker)


def _key_of_login(login: str) -> WorkerKey | None:
    account, _, worker = login.partition(".")
    return _key(account, worker)
