"""A share, as it is judged by a stratum server, and the limits it must keep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class ShareResult(IntEnum):
    """How a share was judged. The value is the code inside the service's columns."""

    ACCEPTED = 0
    STALE = 1
    DUPLICATE = 2
    LOW_DIFFICULTY = 3
    JOB_NOT_FOUND = 4
    UNAUTHORIZED = 5
    TIME_OUT_OF_RANGE = 6
    INVALID = 7

    @property
    def wire(self) -> str:
        return self.name.lower()


RESULT_OF_WIRE: Final = {result.wire: result for result in ShareResult}
"""Wire name → result. Any other name counts as `INVALID`."""

REJECT_REASONS: Final = tuple(result.wire for result in ShareResult if result)
"""Names of the reject reasons, in the order of their codes; also the names of SQL columns."""

ACCOUNT_NAME_MIN: Final = 3
ACCOUNT_NAME_MAX: Final = 128
WORKER_NAME_MAX: Final = 64
SOURCE_NAME_MAX: Final = 255
"""As long as a host name may be."""
AGENT_MAX: Final = 128
"""Longer names of mining software are cut off: what is beyond is decoration."""
OTHER_WORKER: Final = "(other)"
"""Where the shares of a miner's workers beyond its limit go."""


@dataclass(frozen=True, slots=True)
class Share:
    """One share as an object. For edges and tests; the fast path keeps shares in columns."""

    timestamp_ms: int
    account_name: str
    worker_name: str
    difficulty: float
    result: ShareResult
    source: str | None = None
    # What the share reached, which is never summed, and the software that found it.
    share_difficulty: float | None = None
    agent: str | None = None
