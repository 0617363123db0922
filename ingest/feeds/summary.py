"""What a feed has done so far."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from ingest.decode.validate import MAX_DIFFICULTY, TimeLimits
from schemas.batch import ShareBatch

IMPORTED: Final = "before_since"
"""Why a share is passed over that `hashgauge import` has brought."""

# Retention of minutes: older shares have no minute to land in.
_KEPT_MS: Final = 3 * 86_400_000


@dataclass(slots=True)
class FeedSummary:
    """Counts of one run. `read` = `sent` + all of `skipped`, once everything read is sent.

    read      shares (lines, records) looked at
    sent      shares acknowledged by the sink
    messages  messages they travelled in
    skipped   what could not be sent, by reason
    gaps      times at which shares may have been missed (feeds that cannot replay)
    refused   shares that were sent but that intake will not count, by reason
    unreadable  files and folders without permission, and damaged files, as of the last look
    """

    read: int = 0
    sent: int = 0
    messages: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether everything there was to read was sent, and will be counted."""
        return not (self.refused or self.unreadable)

    def note_refused(self, batch: ShareBatch, *, now_ms: int) -> None:
        """Count what intake's own rules refuse, with its settings as they are by default."""
        at, difficulty = batch.timestamp_ms, batch.difficulty
        for reason, bad in (
            ("too_late", at < now_ms - _KEPT_MS),
            ("too_early", at > now_ms + TimeLimits().early_ms),
            ("bad_difficulty", ~((difficulty > 0) & (difficulty <= MAX_DIFFICULTY))),
        ):
            if count := int(bad.sum()):
                self.refused[reason] += count
