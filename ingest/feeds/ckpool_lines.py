"""One line of a ckpool share log → one share."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from typing import Any, Final

import msgspec

from ingest.decode.details import fit_agent, fit_difficulty
from ingest.decode.json_elements import torn_and_whole
from ingest.feeds.names import NO_WORKER, fit_account_name, fit_worker_name
from schemas.share import Share, ShareResult

RESULT_OF_ERRN: Final = {
    1: ShareResult.JOB_NOT_FOUND,
    2: ShareResult.STALE,
    3: ShareResult.TIME_OUT_OF_RANGE,
    4: ShareResult.DUPLICATE,
    5: ShareResult.LOW_DIFFICULTY,
}
"""Any other number (negative: malformed submissions; 6: version mask) is `INVALID`."""

RESULT_OF_TEXT: Final = {
    "invalid jobid": ShareResult.JOB_NOT_FOUND,
    "stale": ShareResult.STALE,
    "ntime out of range": ShareResult.TIME_OUT_OF_RANGE,
    "duplicate": ShareResult.DUPLICATE,
    "above target": ShareResult.LOW_DIFFICULTY,
    "worker mismatch": ShareResult.UNAUTHORIZED,
}
"""ckpool's own words, for variants that write no `errn`."""


class _Line(msgspec.Struct, rename={"reject_reason": "reject-reason"}):
    workername: str
    diff: float
    result: bool
    createdate: str
    username: str | None = None
    sdiff: Any = None
    agent: Any = None
    errn: int | None = None
    error: Any = None
    reject_reason: Any = None


_decoder = msgspec.json.Decoder(_Line)
_READER: Final = json.JSONDecoder(strict=False)

_AROUND: Final = b" \t\r\n\0,;"
_BETWEEN: Final = re.compile(rb'(?<=\})(?=\{")')


class BadLineError(Exception):
    """The line is no share; `reason` is one of a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def lines_in(data: bytes) -> Iterator[bytes]:
    """Lines with their ends; whole records that no line end divides are a line each."""
    for line in io.BytesIO(data):
        # A name may hold the same bytes: a line that is JSON is one record.
        if _BETWEEN.search(line) and not _is_json(line):
            yield from _BETWEEN.split(line)
        else:
            yield line


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def parse_line(line: bytes, *, source: str, shift_ms: int = 0) -> Share:
    """A share with its own time plus `shift_ms`; BadLineError if there is none in the line."""
    if not line.strip():
        raise BadLineError("empty_line")
    record = _decode(line)
    account, worker = _names(record.workername, record.username)
    return Share(
        timestamp_ms=parse_createdate(record.createdate) + shift_ms,
        account_name=account,
        worker_name=worker,
        difficulty=record.diff,
        result=_judge(record),
        source=source,
        # -1.0 for a share of a job that nobody knows.
        share_difficulty=fit_difficulty(record.sdiff),
        agent=fit_agent(record.agent),
    )


def _decode(line: bytes) -> _Line:
    try:
        return _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise BadLineError("wrong_fields") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        repaired = line.decode(errors="replace").encode()
        if repaired != line:
            # A name with broken UTF-8 is no reason to lose its work.
            return _decode(repaired)
        record = _lenient(line.strip(_AROUND))
        if record is not None:
            return record
        *torn, whole = torn_and_whole(line)
        if torn:
            # What a crash left before it: half a record, zeros, or a byte order mark.
            return _decode(whole)
        raise BadLineError("malformed_json") from error


def _lenient(line: bytes) -> _Line | None:
    """A record with commas around it, or with a name that JSON does not allow; None if it is none.

    Python's own reader takes control characters, halves of surrogate pairs, NaN and Infinity.
    """
    try:
        record = msgspec.convert(_READER.decode(line.decode()), _Line)
    except (ValueError, RecursionError):
        return None
    return record if isfinite(record.diff) else None


def parse_createdate(createdate: str) -> int:
    """`"seconds,nanoseconds"` → ms since the epoch.

    The nanoseconds are not zero-padded ("1795456724,76721660" is .076721660 s), so this is no
    decimal fraction.
    """
    seconds, _, nanoseconds = createdate.partition(",")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise BadLineError("bad_createdate")
    if not (nanoseconds.isascii() and nanoseconds.isdigit() and len(nanoseconds) <= 9):
        raise BadLineError("bad_createdate")
    return int(seconds) * 1_000 + int(nanoseconds) // 1_000_000


def split_workername(workername: str, username: str | None) -> tuple[str, str]:
    """(account, worker): cut at the first `.` or `_`, where ckpool cuts `username` off."""
    if username is None or not workername.startswith(username):
        cut = min((i for i in map(workername.find, "._") if i >= 0), default=len(workername))
        username = workername[:cut]
    return username, workername[len(username) + 1 :] or NO_WORKER


# Fitting a name takes as long as all the rest of a line; a log has few names.
@lru_cache(maxsize=50_000)
def _names(workername: str, username: str | None) -> tuple[str, str]:
    account, worker = split_workername(workername, username)
    return fit_account_name(account), fit_worker_name(worker)


def _judge(line: _Line) -> ShareResult:
    if line.result:
        return ShareResult.ACCEPTED
    if line.errn:
        return RESULT_OF_ERRN.get(line.errn, ShareResult.INVALID)
    reason = line.reject_reason if line.reject_reason is not None else line.error
    if isinstance(reason, list) and len(reason) > 1:
        reason = reason[1]  # ckpool-lhr: [21, "Stale", null]
    return RESULT_OF_TEXT.get(str(reason).strip().lower(), ShareResult.INVALID)
