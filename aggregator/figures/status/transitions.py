"""Transitions: who changed status when and why, in columns, until they are stored as events."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.worker_arrays import StatusColumns
from schemas.worker import CAUSE_CODES, Cause

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Transitions:
    """Columns of length n, in the order in which they happened (per worker: by number).

    index       intp[n]   number  int32[n]  the worker's n-th transition, from 1
    from_code  int8[n]   `NOT_SEEN` for the first
    to_code    int8[n]   at_s    int64[n]  stream time
    cause      int8[n]   index into `CAUSE_CODES`
    source_id  int32[n]  where the worker was seen last by then
    again      bool[n]   changes nothing: says the status of transition `number` once more
    """

    index: Indices
    number: NDArray[np.int32]
    from_code: NDArray[np.int8]
    to_code: NDArray[np.int8]
    at_s: NDArray[np.int64]
    cause: NDArray[np.int8]
    source_id: NDArray[np.int32]
    again: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.index)

    def part(self, rows: slice | NDArray[np.bool_]) -> Transitions:
        """Some rows."""
        return Transitions(*(getattr(self, spec.name)[rows] for spec in fields(self)))

    @classmethod
    def joined(cls, parts: list[Transitions]) -> Transitions:
        """One after another, then by instant; a worker's own order is kept."""
        columns = {
            spec.name: np.concatenate([getattr(part, spec.name) for part in parts])
            for spec in fields(cls)
        }
        order = np.argsort(columns["at_s"], kind="stable")
        return cls(**{name: column[order] for name, column in columns.items()})

    @classmethod
    def none(cls) -> Transitions:
        ids, codes = np.empty(0, np.int32), np.empty(0, np.int8)
        return cls(
            index=np.empty(0, np.intp),
            number=ids,
            from_code=codes,
            to_code=codes,
            at_s=np.empty(0, np.int64),
            cause=codes,
            source_id=ids,
            again=np.empty(0, np.bool_),
        )


class Journal:
    """Writes transitions down and the new status into the columns. Owned by one sweep."""

    def __init__(self, columns: StatusColumns) -> None:
        self._columns = columns
        self._parts: list[Transitions] = []

    def write(
        self,
        indices: Indices,
        *,
        codes: NDArray[np.int8],
        at_s: NDArray[np.int64],
        causes: NDArray[np.intp],
    ) -> None:
        """One transition for each of `indices`, all different; never dated before its last one."""
        if not len(indices):
            return
        columns = self._columns
        at_s = np.maximum(at_s, columns.status_since_s[indices])
        number = columns.transition_number[indices] + np.int32(1)
        self._parts.append(
            Transitions(
                index=indices,
                number=number,
                from_code=columns.status[indices],
                to_code=codes,
                at_s=at_s,
                cause=causes.astype(np.int8),
                source_id=columns.source_id[indices],
                again=np.zeros(len(indices), np.bool_),
            )
        )
        columns.status[indices] = codes
        columns.status_since_s[indices] = at_s
        columns.transition_number[indices] = number

    def repeat(self, indices: Indices, *, at_s: NDArray[np.int64], cause: int) -> None:
        """The status of each of `indices` once more, never dated before the transition into it."""
        if not len(indices):
            return
        columns = self._columns
        codes = columns.status[indices]
        self._parts.append(
            Transitions(
                index=indices,
                number=columns.transition_number[indices],
                from_code=codes,
                to_code=codes,
                at_s=np.maximum(at_s, columns.status_since_s[indices]),
                cause=np.full(len(indices), cause, np.int8),
                source_id=columns.source_id[indices],
                again=np.ones(len(indices), np.bool_),
            )
        )

    def transitions(self) -> Transitions:
        return Transitions.joined(self._parts) if self._parts else Transitions.none()


def changed_manually(
    columns: StatusColumns, indices: Indices, *, code: int, at_s: NDArray[np.int64], cause: Cause
) -> Transitions:
    """Removals, and boundary workers created or disconnected; who has the status is left out.

    `at_s` int64[len(indices)]: for a removal the stream time at which it is carried out, so that it
    takes a share newer than that to come back.
    """
    journal = Journal(columns)
    changes = columns.status[indices] != code
    indices, at_s = indices[changes], at_s[changes]
    journal.write(
        indices,
        codes=np.full(len(indices), code, np.int8),
        at_s=at_s,
        causes=np.full(len(indices), CAUSE_CODES.index(cause), np.intp),
    )
    return journal.transitions()
