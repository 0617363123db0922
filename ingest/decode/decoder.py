"""A fetch of messages → one batch of shares, and what was not counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingest.decode.arrow import ArrowPart, arrow_columns, read_arrow
from ingest.decode.columns import Columns
from ingest.decode.combine import batch_of_columns, joined
from ingest.decode.content_type import Codec, codec_of
from ingest.decode.invalid import InvalidMessage, invalid_messages, merged
from ingest.decode.json import decode_json
from ingest.decode.validate import GOOD, REASONS, TimeLimits, validate
from ingest.errors import PoisonError
from ingest.kafka.record import Record
from ingest.kafka.unreadable_batch import UnreadableBatch
from schemas.batch import ShareBatch
from schemas.topics import InvalidReason


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
    invalid   at most one per message, in order of messages
    """

    messages: int
    batch: ShareBatch
    message: NDArray[np.int32]
    position: NDArray[np.int32]
    invalid: list[InvalidMessage]

    @property
    def undecodable(self) -> list[int]:
        """Ascending indices of the messages that count against the dead letter limit."""
        return [each.message for each in self.invalid if each.undecodable]

    def without(self, bad: NDArray[np.bool_], reason: InvalidReason) -> Decoded:
        """The same less the shares where `bad` (bool[n]) is true; they join the invalid."""
        if not bad.any():
            return self
        invalid = invalid_messages(self.message[bad], self.position[bad], reason)
        keep = ~bad
        return Decoded(
            self.messages,
            self.batch.filter(keep),
            self.message[keep],
            self.position[keep],
            merged([*self.invalid, *invalid]),
        )


class Decoder:
    """Holds no state between fetches; one may serve many tasks."""

    def __init__(self, config: DecodeConfig | None = None) -> None:
        self._config = config or DecodeConfig()

    def decode(
        self, records: Sequence[Record], *, now_ms: int | None = None, oldest_ms: int | None = None
    ) -> Decoded:
        """Never raises for what a message holds: that becomes an InvalidMessage.

        Shares before `oldest_ms` (the retention of minutes, seen from stream time) are too late. A
        record without a timestamp counts as one of `now_ms`: its shares may be old, but not early.
        Takes up to 8 µs a message or 1 µs a JSON share: call it in a thread for large fetches.
        """
        parts, invalid = self._read(records)
        record_ms = np.fromiter((each.timestamp for each in records), np.int64, len(records))
        times = self._config.times
        codes = [
            validate(part, record_ms[part.message], times, now_ms=now_ms, oldest_ms=oldest_ms)
            for part in parts
        ]
        for part, code in zip(parts, codes, strict=True):
            bad = code != GOOD
            if bad.any():
                invalid += invalid_messages(
                    part.message[bad], part.position[bad], REASONS, code[bad]
                )
        kept = [(part, code == GOOD) for part, code in zip(parts, codes, strict=True)]
        return Decoded(
            len(records),
            batch_of_columns(kept),
            joined([part.message[keep] for part, keep in kept], np.int32),
            joined([part.position[keep] for part, keep in kept], np.int32),
            merged(invalid),
        )

    def _read(self, records: Sequence[Record]) -> tuple[list[Columns], list[InvalidMessage]]:
        config = self._config
        largest = config.max_message_bytes
        parts: list[Columns] = []
        invalid: list[InvalidMessage] = []
        arrow: list[ArrowPart] = []
        messages: list[int] = []
        values: list[bytes] = []
        for index, record in enumerate(records):
            try:
                value = record.value
                if isinstance(value, UnreadableBatch):
                    raise PoisonError(InvalidReason.OVERSIZED, value.detail)
                if not value:
                    raise PoisonError(InvalidReason.EMPTY, "no value")
                if len(value) > largest:
                    raise PoisonError(InvalidReason.OVERSIZED, f"{len(value)} bytes")
                if codec_of(record.headers, value) is Codec.JSON:
                    messages.append(index)
                    values.append(value)
                else:
                    arrow += read_arrow(index, value, config.max_shares, config.max_inflated_bytes)
            except PoisonError as error:
                invalid.append(InvalidMessage(index, error.reason, error.detail))
        if arrow:
            parts.append(arrow_columns(arrow))
        if values:
            part, unread = decode_json(messages, values, config.max_shares)
            invalid += unread
            if part is not None:
                parts.append(part)
        return parts, invalid
