"""Names of very many workers, kept in Arrow: their order and the search in them.

PostgreSQL takes 4 s to sort 1,000,000 workers by name and 0.9 s to search them (an index for parts
of names needs an extension that may not be there); here a page takes 20 to 60 ms. A name never
changes, so that after the first time only those of new workers are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Names:
    """Names by rising worker id. `rank`: a worker's place in the order of (name, id), names by
    their bytes, as `collate "C"` has it."""

    worker_id: NDArray[np.int32]
    text: pa.Array
    lowered: pa.Array
    rank: NDArray[np.int64]

    @classmethod
    def of(cls, worker_id: NDArray[np.int32], text: pa.Array) -> Self:
        rank = np.empty(len(worker_id), np.int64)
        # Stable: equal names stay in the order of their ids.
        rank[pc.array_sort_indices(text).to_numpy()] = np.arange(len(worker_id))
        return cls(worker_id, text, pc.utf8_lower(text), rank)

    def with_more(self, ids: bytes, lengths: bytes, texts: bytes) -> Self:
        """With workers read anew, packed as in sql/ranking.sql; they stand for those from the
        smallest of their ids on."""
        unsorted = np.frombuffer(ids, ">i4")
        if not len(unsorted):
            return self
        order = np.argsort(unsorted)
        more = _strings(np.frombuffer(lengths, ">i4"), texts).take(pa.array(order))
        worker_id = unsorted[order].astype(np.int32)
        kept = int(np.searchsorted(self.worker_id, worker_id[0]))
        return self.of(
            np.concatenate((self.worker_id[:kept], worker_id)),
            pa.concat_arrays([self.text[:kept], more]),
        )

    def last_before_unknown(self, worker_id: NDArray[np.int32]) -> int | None:
        """The id after which names have to be read to know these workers; None: none has to."""
        unknown = worker_id[~np.isin(worker_id, self.worker_id)]
        return int(unknown.min()) - 1 if len(unknown) else None

    def places(self, worker_id: NDArray[np.int32]) -> NDArray[np.intp]:
        """Where known workers stand here."""
        return np.searchsorted(self.worker_id, worker_id)

    def holding(self, part: str) -> NDArray[np.bool_]:
        """Which names hold `part`, in any case."""
        found = pc.match_substring(self.lowered, part.lower())
        mask: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
        return mask


NO_NAMES = Names.of(np.empty(0, np.int32), pa.array([], pa.large_string()))


def _strings(lengths: NDArray[np.int32], texts: bytes) -> pa.Array:
    ends = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(texts)]
    return pa.Array.from_buffers(pa.large_string(), len(lengths), buffers)
