"""What a worker is, which status it can have, and what can change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha1
from typing import Final
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray


class Behavior(StrEnum):
    HARDWARE = "hardware"
    BOUNDARY = "boundary"


class WorkerStatus(StrEnum):
    STABLE = "stable"
    UNAVAILABLE = "unavailable"
    OFF = "off"
    REMOVED = "removed"


STATUS_CODES: Final = (
    WorkerStatus.STABLE,
    WorkerStatus.UNAVAILABLE,
    WorkerStatus.OFF,
    WorkerStatus.REMOVED,
)
"""Status of a code in numpy arrays: its index. Codes rise with silence."""


class Cause(StrEnum):
    """Why a status changed. A bounded metric label."""

    FIRST_SHARE = "first_share"
    SHARE = "share"
    SILENCE = "silence"
    SOURCE_SILENT = "source_silent"
    # The share that ends a silence of cause `source_silent`; reported as one `source-back`.
    SOURCE_BACK = "source_back"
    REMOVED_BY_HAND = "removed_by_hand"
    CREATED = "created"
    DISCONNECTED = "disconnected"


CAUSE_CODES: Final = tuple(Cause)
"""Cause of a code in numpy arrays: its index."""


class EventKind(StrEnum):
    """Kinds of event in the outbox."""

    STATUS_CHANGED = "worker-status-changed"
    # Its silence was reported as its source's; the source is back and the worker is not.
    STILL_SILENT = "worker-still-silent"
    SOURCE_SILENT = "source-silent"
    SOURCE_BACK = "source-back"


@dataclass(frozen=True, slots=True)
class StatusPolicy:
    """When silence becomes a status; every number is a setting.

    Measured by `benchmarks/false_alarms.py`, false alarms per 1,000 worker-days: 26 expected share
    intervals give 1.8 at 0.1 shares a minute and under 0.1 from 0.2 on; 20 give 7.4 at 0.1, since a
    rate is known by a few shares only; a fixed 5 minutes gives 6,200 at one share a minute.
    """

    # So many of a worker's own share intervals of silence make it unavailable ...
    silent_intervals: float = 26.0
    # ... but never less than five minutes, nor more than two hours, whatever its rate.
    silent_min_s: int = 300
    silent_max_s: int = 7_200
    # A worker's rate is that of its shares in so long before its last one, over the time since the
    # first of them, which counts as ten minutes at least.
    rate_span_s: int = 3_600
    rate_min_span_s: int = 600
    # Silence after which it is off, and after which it leaves the lists.
    off_after_s: int = 86_400
    removed_after_s: int = 30 * 86_400
    # A stratum server with so many workers lately is itself watched for silence ...
    source_min_workers: int = 10
    # ... which lasts so many of its own share intervals, and a minute at least.
    source_silent_intervals: float = 20.0
    source_silent_min_s: int = 60


EVENT_NAMESPACE: Final = UUID("5b1e6f9e-8d0a-5c1e-9c0f-3a8f0c4f7a11")


def event_id(worker_uid: UUID, transition_number: int) -> UUID:
    """Stable id of a worker's n-th transition: a retry bears the same id as the first attempt."""
    return uuid5(EVENT_NAMESPACE, f"{worker_uid}:{transition_number}")


def still_silent_id(worker_uid: UUID, transition_number: int) -> UUID:
    """Stable id of the one event that repeats the status of a worker's n-th transition."""
    return uuid5(EVENT_NAMESPACE, f"{worker_uid}:{transition_number}:{EventKind.STILL_SILENT}")


def event_ids(worker_uids: bytes, transition_numbers: Sequence[int]) -> NDArray[np.void]:
    """Those of many transitions at once: V16[n], from n uids of 16 bytes each.

    A million in 2 s: by `event_id`, whose objects of `uuid` are most of the work, they take 14.
    """
    text, ids = worker_uids.hex(), []
    for n, number in enumerate(transition_numbers):
        uid = text[32 * n : 32 * (n + 1)]
        name = f"{uid[:8]}-{uid[8:12]}-{uid[12:16]}-{uid[16:20]}-{uid[20:]}:{number}"
        ids.append(sha1(EVENT_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    table = np.frombuffer(bytearray().join(ids), np.uint8).reshape(-1, 16)
    # Version 5 and variant of RFC 9562.
    table[:, 6] = table[:, 6] & 0x0F | 0x50
    table[:, 8] = table[:, 8] & 0x3F | 0x80
    return table.view("V16").reshape(-1)
