"""Miningcore's table `shares`, exported as CSV: accepted shares, so no reject rate comes of it.

psql -c "\\copy (select poolid, difficulty, miner, worker, created from shares order by created)
         to shares.csv csv header"
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ingest.errors import FatalError
from ingest.feeds.names import fit_account_name, fit_worker_name
from ingest.history.chunk import HistoryChunk, Start
from ingest.history.csv_file import CsvBlock, CsvFile
from ingest.history.rows import keys, numbers, refusals, times_ms
from schemas.batch import ShareBatch, WorkerKey

_NEEDED: Final = ("miner", "difficulty", "created")
_WANTED: Final = ("poolid", "worker", *_NEEDED)


class MiningcoreHistory:
    """Some exports; `pool` picks one pool id, and without it they must hold a single one."""

    def __init__(self, paths: Sequence[Path], *, pool: str = "") -> None:
        self._files = [CsvFile(path, f"miningcore/{pool}") for path in paths]
        for path, file in zip(paths, self._files, strict=True):
            missing = [name for name in _NEEDED if name not in file.names]
            if missing:
                raise FatalError(f"{path} has no column {', '.join(missing)} in its header")
        self._pool = pool
        self.unreadable = 0
        self.total = sum(file.size for file in self._files)

    async def chunks(self, starts: Mapping[str, Start]) -> AsyncIterator[HistoryChunk]:
        for file in self._files:
            blocks = file.blocks(starts.get(file.stream), wanted=_WANTED)
            while block := await asyncio.to_thread(next, blocks, None):
                yield await asyncio.to_thread(self._chunk, file.stream, block)

    def _chunk(self, stream: str, block: CsvBlock) -> HistoryChunk:
        columns = block.columns
        here = np.ones(block.rows, np.bool_)
        if "poolid" in columns:
            pools = columns["poolid"].dictionary_encode()
            names = pools.dictionary.to_pylist()
            if not self._pool and len(set(names) - {""}) > 1:
                raise FatalError(
                    f"the export holds the pools {', '.join(sorted(names))}: say which with --pool"
                )
            if self._pool:
                here = pools.indices.to_numpy() == (
                    names.index(self._pool) if self._pool in names else -1
                )
        at_ms, difficulty = times_ms(columns["created"]), numbers(columns["difficulty"])
        logins = [columns[name] for name in ("miner", "worker") if name in columns]
        worker, workers = keys(*logins, key_of=_key)
        good, refused = refusals(
            ("other_pool", ~here),
            ("bad_timestamp", at_ms == 0),
            ("bad_difficulty", ~(difficulty > 0)),
            ("no_account", worker < 0),
        )
        # Asked for, not refused.
        del refused["other_pool"]
        if block.malformed:
            refused["malformed_line"] += block.malformed
        count = int(good.sum())
        batch = ShareBatch(
            at_ms[good],
            worker[good],
            difficulty[good],
            np.zeros(count, np.uint8),
            np.full(count, -1, np.int32),
            workers,
            [],
        )
        records = int(here.sum()) + block.malformed
        return HistoryChunk(
            stream, block.start, block.end, block.last_crc, batch, records, Counter(refused)
        )


def _key(miner: str, worker: str = "") -> WorkerKey | None:
    """A worker may be part of the miner's login, as with other stratum servers."""
    if not miner.strip():
        return None
    return fit_account_name(miner), fit_worker_name(worker)
