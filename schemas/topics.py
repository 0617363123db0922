"""Names on Kafka: topics, headers, content types, reasons of dead letters."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

SHARES: Final = "shares"
DEAD_LETTERS: Final = "shares.dead-letter"
WORKER_STATUS: Final = "worker-status"

CONTENT_TYPE: Final = "content-type"
PRODUCER_ID: Final = "producer-id"
SEQUENCE: Final = "sequence"

JSON: Final = "application/json"
NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
"""Other names for lines of JSON."""
ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"


class InvalidReason(StrEnum):
    """Why a message or some of its shares went to the dead letters. A bounded metric label."""

    # The whole message cannot be read; these count against the limit.
    EMPTY = "empty"
    OVERSIZED = "oversized"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    MALFORMED_JSON = "malformed_json"
    MALFORMED_ARROW = "malformed_arrow"
    WRONG_SCHEMA = "wrong_schema"
    # Single shares are bad; their indices are in the headers.
    MALFORMED_SHARE = "malformed_share"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_ACCOUNT_NAME = "bad_account_name"
    BAD_WORKER_NAME = "bad_worker_name"
    BAD_DIFFICULTY = "bad_difficulty"
    BAD_RESULT = "bad_result"
    BAD_SOURCE = "bad_source"
    # Readable but not to be counted; odd clocks and unknown accounts are not a bad deploy.
    UNKNOWN_ACCOUNT = "unknown_account"
    TOO_LATE = "too_late"
    TOO_EARLY = "too_early"


UNDECODABLE: Final = frozenset(
    {
        InvalidReason.EMPTY,
        InvalidReason.OVERSIZED,
        InvalidReason.UNKNOWN_CONTENT_TYPE,
        InvalidReason.MALFORMED_JSON,
        InvalidReason.MALFORMED_ARROW,
        InvalidReason.WRONG_SCHEMA,
    }
)
"""What `DeadLetterLimit` counts: the message holds not one share, good or bad."""


class DeadLetterHeader(StrEnum):
    """Headers of a dead letter beside the original's own, which are kept."""

    REASON = "dead-letter-reason"
    DETAIL = "dead-letter-detail"
    INDICES = "dead-letter-indices"
    TOPIC = "dead-letter-topic"
    PARTITION = "dead-letter-partition"
    OFFSET = "dead-letter-offset"
    TIMESTAMP_MS = "dead-letter-timestamp-ms"
