"""What a replay leaves out of a fetch: what was counted or dead-lettered before. Pure.

Records below `ReplaySpan.until` were consumed once. Of them
    shares before `from_ms`   are counted already: left out
    shares since `from_ms`    count; their minutes were deleted
    duplicates                are found among what the replay itself has seen of their producers
    dead letters              were sent already: not again
    dead letters sent again   (by `hashgauge dead-letters replay`) are left out if the replay reads
                              their originals too, which come under the same rules
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from aggregator.intake.dedup import NEVER, ProducerSequence
from aggregator.intake.partitions.offsets import ReplaySpan
from ingest.dead_letters.replay import origin_of
from ingest.decode.decoder import Decoded
from ingest.decode.invalid import InvalidMessage
from ingest.kafka.record import Record

_ALL: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class ReplayFilter:
    """Without spans (that is, in normal life) every method returns what it was given.

    spans  by partition, what is counted again of it
    """

    spans: Mapping[int, ReplaySpan] = field(default_factory=dict)

    def sequences(
        self, numbered: Sequence[ProducerSequence], records: Sequence[Record]
    ) -> Sequence[ProducerSequence]:
        """Producers of records counted before are kept apart, under -1 - partition."""
        if not self.spans:
            return numbered
        return [
            self._replayed(each, records[each.index])
            if self._counted_before(records[each.index])
            else each
            for each in numbered
        ]

    def shares(self, decoded: Decoded, records: Sequence[Record]) -> Decoded:
        """Without the shares that count already; `records` are those that were decoded."""
        if not self.spans:
            return decoded
        floors_ms = np.fromiter(
            (
                self.spans[record.partition].from_ms if self._counted_before(record) else _ALL
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
            batch=decoded.batch.filter(due),
            message=decoded.message[due],
            position=decoded.position[due],
        )

    def dead_letters(
        self, invalid: Sequence[InvalidMessage], records: Sequence[Record]
    ) -> Sequence[InvalidMessage]:
        """Only those of records that are read for the first time."""
        if not self.spans:
            return invalid
        return [each for each in invalid if not self._counted_before(records[each.message])]

    def _counted_before(self, record: Record) -> bool:
        span = self.spans.get(record.partition)
        return span is not None and record.offset < span.until

    def _replayed(self, each: ProducerSequence, record: Record) -> ProducerSequence:
        partition, producer_id = each.key
        origin = origin_of(producer_id)
        reads_original = (
            origin is not None
            and origin[:2] == (record.topic, partition)
            and origin[2] >= self.spans[partition].start
        )
        # No sequence is lower than NEVER: a duplicate, whatever is known of its producer.
        sequence = NEVER if reads_original else each.sequence
        return replace(each, key=(-1 - partition, producer_id), sequence=sequence)
