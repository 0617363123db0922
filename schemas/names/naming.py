"""Names of workers that come later than their shares, or change: what a feed says beside shares.

A pool may know its workers by a number and learn their names on the way. Its feed then names the
worker by that number until it knows better, and adds the header `worker-names` to the message with
which the name begins:

    [["alice", "worker_00c0ffee", "rig1"]]        account, what it was called, what it is called
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from schemas.share import ACCOUNT_NAME_MAX, WORKER_NAME_MAX

HEADER: Final = "worker-names"


class WorkerNaming(NamedTuple):
    """The worker that its pool knows by `key` is called `name` now."""

    account: str
    key: str
    name: str


_rows = msgspec.json.Decoder(list[tuple[str, str, str]])


def encode_namings(namings: Iterable[WorkerNaming]) -> bytes:
    return msgspec.json.encode(list(namings))


def namings_of(messages: Iterable[Sequence[tuple[str, bytes]]]) -> list[WorkerNaming]:
    """Those in the headers of messages; none of a header that cannot be read or does not fit."""
    # Nearly no message has one, so there is no call for each.
    said = [value for headers in messages for name, value in headers if name == HEADER]
    return [naming for value in said for naming in _namings_in(value)]


def _namings_in(value: bytes) -> list[WorkerNaming]:
    try:
        return [WorkerNaming(*row) for row in _rows.decode(value) if _fits(*row)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _fits(account: str, key: str, name: str) -> bool:
    return (
        0 < len(account) <= ACCOUNT_NAME_MAX
        and 0 < len(key) <= WORKER_NAME_MAX
        and 0 < len(name) <= WORKER_NAME_MAX
        and "\x00" not in account + key + name
    )
