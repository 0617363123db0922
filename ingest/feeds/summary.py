"""What a feed has done so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class FeedSummary:
    """Counts of one run. `read` = `sent` + all of `skipped`, once everything read is sent.

    read      shares (lines, records) looked at
    sent      shares acknowledged by the sink
    messages  messages they travelled in
    skipped   what could not be sent, by reason
    gaps      times at which shares may have been missed (feeds that cannot replay)
    """

    read: int = 0
    sent: int = 0
    messages: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
