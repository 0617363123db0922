"""Counting anew: what of a fetch was counted or told before and must not be so again. Pure.

Records below `ReplaySpan.until` were taken once. Of them
    shares before `from_ms`   are counted already: left out
    shares since `from_ms`    count; their minutes were deleted
    repeats                   are judged by what the replay itself has seen of their producers
    dead letters              were sent already: not again
    dead letters sent again   (by `hashgauge dead-letters replay`) are left out where the replay
                              reads their originals too, and judges these by the same rules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from aggregator.minutes.offsets import ReplaySpan
from aggregator.minutes.repeats import NEVER, Mark
from ingest.dead_letter_tools import origin_of
from ingest.decode import Decoded
from ingest.record import Record
from ingest.reject import Reject

Spans = Mapping[int, ReplaySpan]
"""By partition."""

_ALL: Final = np.iinfo(np.int64).min


def replayed_marks(marks: Sequence[Mark], records: Sequence[Record], spans: Spans) -> list[Mark]:
    """The marks with the producers of records counted before kept apart, under -1 - partition."""
    return [
        _replayed_mark(mark, records[mark.index], spans)
        if _counted_before(records[mark.index], spans)
        else mark
        for mark in marks
    ]


def still_due(decoded: Decoded, records: Sequence[Record], spans: Spans) -> Decoded:
    """Without the shares that count already; `records` are those that were decoded."""
    floors_ms = np.fromiter(
        (
            spans[record.partition].from_ms if _counted_before(record, spans) else _ALL
            for record in records
        ),
        np.int64,
        len(records),
    )
    due = decoded.batch.timestamp_ms >= floors_ms[decoded.message]
    if due.all():
        return decoded
    return replace(
        decoded,
        batch=decoded.batch.take(due),
        message=decoded.message[due],
        position=decoded.position[due],
    )


def unsent(rejects: Sequence[Reject], records: Sequence[Record], spans: Spans) -> list[Reject]:
    """The rejects of records that are read for the first time."""
    return [each for each in rejects if not _counted_before(records[each.message], spans)]


def _counted_before(record: Record, spans: Spans) -> bool:
    span = spans.get(record.partition)
    return span is not None and record.offset < span.until


def _replayed_mark(mark: Mark, record: Record, spans: Spans) -> Mark:
    partition, producer_id = mark.key
    key = (-1 - partition, producer_id)
    origin = origin_of(producer_id)
    reads_original = (
        origin is not None
        and origin[:2] == (record.topic, partition)
        and origin[2] >= spans[partition].start
    )
    # No sequence is lower: a repeat, whatever is known of its producer.
    return replace(mark, key=key, sequence=NEVER if reads_original else mark.sequence)
