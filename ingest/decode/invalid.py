"""What was not counted and why: rejected messages and shares, before they are dead-lettered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from schemas.topics import UNDECODABLE, InvalidReason


@dataclass(frozen=True, slots=True)
class InvalidMessage:
    """A message that is not counted, or some shares of it.

    message  index of the record in the fetch
    reason   the one of the first bad share, where only shares are bad
    shares   ascending indices of the bad shares inside the message; empty: all of it is bad
    reasons  the reason of each of `shares`; empty: `reason` is the one of all
    """

    message: int
    reason: InvalidReason
    detail: str
    shares: tuple[int, ...] = ()
    reasons: tuple[InvalidReason, ...] = ()

    def share_reasons(self) -> list[tuple[int, InvalidReason]]:
        """(index, reason) of each bad share; empty if the whole message is bad."""
        reasons = self.reasons or (self.reason,) * len(self.shares)
        return list(zip(self.shares, reasons, strict=True))

    @property
    def undecodable(self) -> bool:
        """Whether the dead letter limit counts it: the message gave not one share."""
        return not self.shares and self.reason in UNDECODABLE


def invalid_messages(
    message: NDArray[np.int32],
    position: NDArray[np.int32],
    reasons: Mapping[int, InvalidReason] | InvalidReason,
    code: NDArray[np.uint8] | None = None,
) -> list[InvalidMessage]:
    """One reject per message for bad shares, given as columns of equal length.

    `reasons` is the reason of all of them, or the reason of each value of `code`.
    """
    order = np.lexsort((position, message))
    rows = zip(message[order].tolist(), position[order].tolist(), strict=True)
    if isinstance(reasons, InvalidReason):
        named = [(row, reasons) for row in rows]
    else:
        assert code is not None
        named = [(row, reasons[c]) for row, c in zip(rows, code[order].tolist(), strict=True)]
    return [
        _of_shares(index, [(at, reason) for (_, at), reason in group])
        for index, group in groupby(named, key=lambda each: each[0][0])
    ]


def merged(invalid: Iterable[InvalidMessage]) -> list[InvalidMessage]:
    """At most one reject per message, in order of messages: a message is dead-lettered once.

    The reason is the one of the earliest bad share; a message that is bad as a whole stays so.
    """
    result = []
    by_message = sorted(invalid, key=lambda each: (each.message, each.shares))
    for index, group in groupby(by_message, key=lambda each: each.message):
        first, *rest = group
        if rest and first.shares:
            pairs = dict(pair for part in (*rest, first) for pair in part.share_reasons())
            first = _of_shares(index, sorted(pairs.items()))
        result.append(first)
    return result


def _of_shares(message: int, shares: Sequence[tuple[int, InvalidReason]]) -> InvalidMessage:
    """`shares` are (index, reason), ascending, at least one."""
    counts = Counter(reason for _, reason in shares)
    detail = ", ".join(f"{reason} x{count}" for reason, count in counts.items())
    indices, reasons = zip(*shares, strict=True)
    return InvalidMessage(message, reasons[0], detail, indices, reasons)
