"""Names of very many workers, kept in Arrow: their order and the search in them.

PostgreSQL takes 4 s to sort 1,000,000 workers by name and 0.9 s to search them (an index for parts
of names needs an extension that may not be there); here a page takes 20 to 60 ms. After the first
time only the names of new workers are read, and those from a renamed worker on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.names.natural_order import FILLED, RUN, TOO_LONG
from schemas.names.search import search_key


@dataclass(frozen=True, slots=True)
class Names:
    """Names by rising worker id. `rank`: a worker's place in the natural order of (name, id), equal
    ones by the bytes of the name, as the database has it."""

    worker_id: NDArray[np.int32]
    text: pa.Array
    searched: pa.Array
    rank: NDArray[np.int64]

    @classmethod
    def of(cls, worker_id: NDArray[np.int32], text: pa.Array) -> Self:
        rank = np.empty(len(worker_id), np.int64)
        # Stable: equal names stay in the order of their ids.
        rank[pc.array_sort_indices(_natural(text)).to_numpy()] = np.arange(len(worker_id))
        return cls(worker_id, text, _searched(text), rank)

    def with_more(self, ids: bytes, lengths: bytes, texts: bytes) -> Self:
        """With workers read anew, packed as in sql/worker_index.sql; they stand for those from the
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
        found = pc.match_substring(self.searched, search_key(part))
        mask: NDArray[np.bool_] = found.to_numpy(zero_copy_only=False)
        return mask


def _natural(text: pa.Array) -> pa.Array:
    """`natural_key` of each name and then the name: one array that sorts as both."""
    filled = pc.replace_substring_regex(text, RUN, FILLED + r"\1")
    keys = pc.replace_substring_regex(filled, TOO_LONG, r"\1")
    return pc.binary_join_element_wise(keys, text, pa.scalar("\0", text.type))


def _searched(text: pa.Array) -> pa.Array:
    """`search_key` of each name. For ASCII, which nearly all of them are, Arrow's is the same."""
    other = pc.invert(pc.string_is_ascii(text))
    keys = [search_key(name) for name in text.filter(other).to_pylist()]
    return pc.replace_with_mask(pc.ascii_lower(text), other, pa.array(keys, text.type))


def _strings(lengths: NDArray[np.int32], texts: bytes) -> pa.Array:
    ends = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(texts)]
    return pa.Array.from_buffers(pa.large_string(), len(lengths), buffers)


NO_NAMES = Names.of(np.empty(0, np.int32), pa.array([], pa.large_string()))
