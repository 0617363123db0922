"""One message of Miningcore's share relay → one share."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import msgspec

from ingest.decode.details import fit_agent
from ingest.feeds.names import NO_WORKER, fit_account_name, fit_worker_name
from ingest.feeds.protobuf import RecordType
from schemas.share import ACCOUNT_NAME_MAX

RELAY_SHARE: Final = RecordType(
    "Share",
    {
        2: ("miner", "text"),
        3: ("worker", "text"),
        5: ("user_agent", "text"),
        7: ("source", "text"),
        8: ("difficulty", "double"),
    },
)

_FORMAT_MASK: Final = 0x0F
_LITTLE: Final = struct.Struct("<I")
_BIG: Final = struct.Struct(">I")


class WireFormat(IntEnum):
    """The low four bits of the flags."""

    JSON = 1
    PROTOBUF = 2


@dataclass(frozen=True, slots=True)
class RelayShare:
    """What counts of a message. Only accepted shares are relayed."""

    pool: str
    account_name: str
    worker_name: str
    difficulty: float
    source: str | None
    agent: str | None = None


class BadMessageError(Exception):
    """The message is no share; `reason` is one of a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _JsonShare(msgspec.Struct, rename="camel"):
    miner: str
    difficulty: float
    worker: str | None = None
    source: str | None = None
    user_agent: Any = None


_json = msgspec.json.Decoder(_JsonShare)


def parse_message(frames: Sequence[bytes]) -> RelayShare:
    """BadMessageError if there is no share in the frames."""
    if len(frames) != 3:
        raise BadMessageError("not_three_frames")
    pool, flags, payload = frames
    if wire_format(flags) is WireFormat.JSON:
        miner, worker, source, difficulty, agent = _from_json(payload)
    else:
        miner, worker, source, difficulty, agent = _from_protobuf(payload)
    if len(miner) > ACCOUNT_NAME_MAX or len(pool) > ACCOUNT_NAME_MAX:
        raise BadMessageError("name_too_long")  # thousands of them would not fit a message
    return RelayShare(
        pool.decode(errors="replace"),
        fit_account_name(miner),
        fit_worker_name(worker or NO_WORKER),
        difficulty,
        source or None,
        fit_agent(agent),
    )


def wire_format(flags: bytes) -> WireFormat:
    """Little-endian as specified; byte-swapped where only that makes sense."""
    if len(flags) != _LITTLE.size:
        raise BadMessageError("bad_flags")
    for layout in (_LITTLE, _BIG):
        code = layout.unpack(flags)[0] & _FORMAT_MASK
        if code in (WireFormat.JSON, WireFormat.PROTOBUF):
            return WireFormat(code)
    raise BadMessageError("unknown_format")


Fields = tuple[str, str, str, float, Any]


def _from_json(payload: bytes) -> Fields:
    try:
        share = _json.decode(payload)
    except msgspec.ValidationError as error:
        raise BadMessageError("wrong_fields") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessageError("malformed_json") from error
    return share.miner, share.worker or "", share.source or "", share.difficulty, share.user_agent


def _from_protobuf(payload: bytes) -> Fields:
    try:
        share = RELAY_SHARE.decode(payload)
    except ValueError as error:
        raise BadMessageError("malformed_protobuf") from error
    if not (share.HasField("miner") and share.HasField("difficulty")):
        raise BadMessageError("wrong_fields")
    miner, worker, source, agent = (
        text.decode(errors="replace")
        for text in (share.miner, share.worker, share.source, share.user_agent)
    )
    return miner, worker, source, share.difficulty, agent
