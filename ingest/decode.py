"""A fetch of messages → one batch of shares, and what was not counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.admit import GOOD, REASONS, TimeLimits, judge
from ingest.columns import Columns
from ingest.combine import batch_of_columns, joined
from ingest.content_type import Codec, codec_of
from ingest.decode_arrow import ArrowPart, arrow_columns, read_arrow
from ingest.decode_json import decode_json
from ingest.errors import PoisonError
from ingest.record import Record
from ingest.reject import Reject, merged, rejects_of
from schemas.batch import ShareBatch
from schemas.topics import Reason


@dataclass(frozen=True, slots=True)
class DecodeConfig:
    """What a message may hold."""

    # Above Kafka's default of 1 MiB and what brokers are usually raised to; the same as the
    # gateway's limit. Whatever is in a message, it is decoded in well under a second.
    max_message_bytes: int = 8 * 1024 * 1024
    # Compressed Arrow buffers may claim eight times the largest message, over the whole stream.
    max_inflated_bytes: int = 64 * 1024 * 1024
    # 8 MiB of the shortest Arrow rows; the shortest JSON share has 80 bytes.
    max_shares: int = 250_000
    times: TimeLimits = field(default_factory=TimeLimits)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a fetch of `messages` records gave.

    batch     the good shares, in order of messages of one codec, then the other
    message   int32[n], index into the records of each share of the batch
    position  int32[n], index of each share inside its message
    rejects   at most one per message, in order of messages
    """

    messages: int
    batch: ShareBatch
    message: NDArray[np.int32]
    position: NDArray[np.int32]
    rejects: list[Reject]

    @property
    def undecodable(self) -> list[int]:
        """Ascending indices of the messages that count against the ceiling."""
        return [reject.message for reject in self.rejects if reject.undecodable]

    def without(self, bad: NDArray[np.bool_], reason: Reason) -> Decoded:
        """The same less the shares where `bad` (bool[n]) is true; they join the rejects."""
        if not bad.any():
            return self
        rejects = rejects_of(self.message[bad], self.position[bad], reason)
        keep = ~bad
        return Decoded(
            self.messages,
            self.batch.take(keep),
            self.message[keep],
            self.position[keep],
            merged([*self.rejects, *rejects]),
        )


class Decoder:
    """Holds no state between fetches; one may serve many tasks."""

    def __init__(self, config: DecodeConfig | None = None) -> None:
        self._config = config or DecodeConfig()

    def decode(self, records: Sequence[Record], *, oldest_ms: int | None = None) -> Decoded:
        """Never raises for what a message holds: that becomes a reject.

        Shares before `oldest_ms` (the retention of minutes, seen from stream time) are too late.
        Takes up to 8 µs a message or 1 µs a JSON share: call it in a thread for large fetches.
        """
        parts, rejects = self._read(records)
        record_ms = np.fromiter((each.timestamp for each in records), np.int64, len(records))
        times = self._config.times
        verdicts = [judge(part, record_ms[part.message], times, oldest_ms) for part in parts]
        for part, verdict in zip(parts, verdicts, strict=True):
            bad = verdict != GOOD
            if bad.any():
                rejects += rejects_of(part.message[bad], part.position[bad], REASONS, verdict[bad])
        kept = [(part, verdict == GOOD) for part, verdict in zip(parts, verdicts, strict=True)]
        return Decoded(
            len(records),
            batch_of_columns(kept),
            joined([part.message[keep] for part, keep in kept], np.int32),
            joined([part.position[keep] for part, keep in kept], np.int32),
            merged(rejects),
        )

    def _read(self, records: Sequence[Record]) -> tuple[list[Columns], list[Reject]]:
        config = self._config
        largest = config.max_message_bytes
        parts: list[Columns] = []
        rejects: list[Reject] = []
        arrow: list[ArrowPart] = []
        messages: list[int] = []
        values: list[bytes] = []
        for index, record in enumerate(records):
            try:
                value = record.value
                if not value:
                    raise PoisonError(Reason.EMPTY, "no value")
                if len(value) > largest:
                    raise PoisonError(Reason.OVERSIZED, f"{len(value)} bytes")
                if codec_of(record.headers, value) is Codec.JSON:
                    messages.append(index)
                    values.append(value)
                else:
                    arrow += read_arrow(index, value, config.max_shares, config.max_inflated_bytes)
            except PoisonError as error:
                rejects.append(Reject(index, error.reason, error.detail))
        if arrow:
            parts.append(arrow_columns(arrow))
        if values:
            part, unread = decode_json(messages, values, config.max_shares)
            rejects += unread
            if part is not None:
                parts.append(part)
        return parts, rejects
