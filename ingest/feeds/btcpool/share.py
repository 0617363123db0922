"""One record of btcpool's share topic → one share."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from ingest.feeds.protobuf import RecordType
from schemas.share import ShareResult

VERSION: Final = 0x0001_0004
"""The only version whose payload is protobuf; older ones were C structs of other layouts."""

_VERSION_BYTES: Final = struct.Struct("<I")

BTC_SHARE: Final = RecordType(
    "BtcShare",
    {
        2: ("workerhashid", "sint64"),
        3: ("userid", "sint32"),
        4: ("status", "sint32"),
        5: ("timestamp", "sint64"),
        8: ("sharediff", "uint64"),
    },
)
NEEDED: Final = ("userid", "status", "timestamp", "sharediff")

ACCEPTED: Final = frozenset({1798084231, 950395421, 1422486894, 1713984938, 1835617709})
"""Accepted, accepted though stale, and the three that solved a block."""

RESULT_OF_STATUS: Final = dict.fromkeys(ACCEPTED, ShareResult.ACCEPTED) | {
    21: ShareResult.STALE,
    22: ShareResult.DUPLICATE,
    23: ShareResult.LOW_DIFFICULTY,
    24: ShareResult.UNAUTHORIZED,
    31: ShareResult.TIME_OUT_OF_RANGE,
    32: ShareResult.TIME_OUT_OF_RANGE,
    36: ShareResult.JOB_NOT_FOUND,
    37: ShareResult.STALE,
}
"""Any other status is `INVALID`."""

# Year 2255; beyond it milliseconds times a thousand leave int64 in database timestamps.
TIMESTAMP_MAX_S: Final = 9_000_000_000


@dataclass(frozen=True, slots=True)
class BtcShare:
    """What counts of a record. `worker_hash` is a signed 64-bit id."""

    user_id: int
    worker_hash: int
    timestamp_ms: int
    difficulty: float
    result: ShareResult


class BadRecordError(Exception):
    """The record is no share; `reason` is one of a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_record(value: bytes | None) -> BtcShare:
    """BadRecordError if there is no share in `value`."""
    if not value or len(value) < _VERSION_BYTES.size:
        raise BadRecordError("too_short")
    if _VERSION_BYTES.unpack_from(value)[0] != VERSION:
        raise BadRecordError("unknown_version")
    try:
        record = BTC_SHARE.decode(value[_VERSION_BYTES.size :])
    except ValueError as error:
        raise BadRecordError("malformed_protobuf") from error
    if not all(record.HasField(name) for name in NEEDED):
        raise BadRecordError("missing_field")
    if not 0 < record.timestamp < TIMESTAMP_MAX_S:
        raise BadRecordError("bad_timestamp")
    return BtcShare(
        user_id=record.userid,
        worker_hash=record.workerhashid,
        timestamp_ms=record.timestamp * 1_000,
        difficulty=float(record.sharediff),
        result=RESULT_OF_STATUS.get(record.status, ShareResult.INVALID),
    )
