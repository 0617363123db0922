"""Transitions: who changed status when and why, in columns, until they are stored as events."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from aggregator.figures.slots import StatusColumns
from schemas.worker import CAUSE_CODES, Cause

Slots = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Transitions:
    """Columns of length n, in the order in which they happened (per worker: by number).

    slot       intp[n]   number  int32[n]  the worker's n-th transition, from 1
    from_code  int8[n]   `NOT_SEEN` for the first
    to_code    int8[n]   at_s    int64[n]  stream time
    cause      int8[n]   index into `CAUSE_CODES`
    source_id  int32[n]  where the worker was seen last by then
    again      bool[n]   changes nothing: says the status of transition `number` once more
    """

    slot: Slots
    number: NDArray[np.int32]
    from_code: NDArray[np.int8]
    to_code: NDArray[np.int8]
    at_s: NDArray[np.int64]
    cause: NDArray[np.int8]
    source_id: NDArray[np.int32]
    again: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.slot)

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
            slot=np.empty(0, np.intp),
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
        slots: Slots,
        *,
        codes: NDArray[np.int8],
        at_s: NDArray[np.int64],
        causes: NDArray[np.intp],
    ) -> None:
        """One transition for each of `slots`, all different; never dated before its last one."""
        if not len(slots):
            return
        columns = self._columns
        at_s = np.maximum(at_s, columns.status_since_s[slots])
        number = columns.transition_number[slots] + np.int32(1)
        self._parts.append(
            Transitions(
                slot=slots,
                number=number,
                from_code=columns.status[slots],
                to_code=codes,
                at_s=at_s,
                cause=causes.astype(np.int8),
                source_id=columns.source_id[slots],
                again=np.zeros(len(slots), np.bool_),
            )
        )
        columns.status[slots] = codes
        columns.status_since_s[slots] = at_s
        columns.transition_number[slots] = number

    def repeat(self, slots: Slots, *, at_s: NDArray[np.int64], cause: int) -> None:
        """The status of each of `slots` once more, never dated before the transition into it."""
        if not len(slots):
            return
        columns = self._columns
        codes = columns.status[slots]
        self._parts.append(
            Transitions(
                slot=slots,
                number=columns.transition_number[slots],
                from_code=codes,
                to_code=codes,
                at_s=np.maximum(at_s, columns.status_since_s[slots]),
                cause=np.full(len(slots), cause, np.int8),
                source_id=columns.source_id[slots],
                again=np.ones(len(slots), np.bool_),
            )
        )

    def transitions(self) -> Transitions:
        return Transitions.joined(self._parts) if self._parts else Transitions.none()


def changed_by_hand(
    columns: StatusColumns, slots: Slots, *, code: int, at_s: NDArray[np.int64], cause: Cause
) -> Transitions:
    """Removals, and boundary workers created or disconnected; who has the status is left out.

    `at_s` int64[len(slots)]: for a removal the stream time at which it is carried out, so that it
    takes a share newer than that to come back.
    """
    journal = Journal(columns)
    changes = columns.status[slots] != code
    slots, at_s = slots[changes], at_s[changes]
    journal.write(
        slots,
        codes=np.full(len(slots), code, np.int8),
        at_s=at_s,
        causes=np.full(len(slots), CAUSE_CODES.index(cause), np.intp),
    )
    return journal.transitions()
