"""How far a partition is from the end of its log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """Where reading stands in one partition.

    position   offset of the next record
    end        offset after the last record that may be read; None before the first fetch
    polled_ms  wall clock of the fetch that reported the end; None before the first
    """

    position: int
    end: int | None
    polled_ms: int | None

    @property
    def lag(self) -> int:
        """Records not read yet, as of the last fetch; control records count, too."""
        return 0 if self.end is None else max(0, self.end - self.position)

    def at_end(self, now_ms: int, fresh_s: float) -> bool:
        """Whether a fetch less than `fresh_s` old found nothing after `position`."""
        if self.end is None or self.polled_ms is None or self.position < self.end:
            return False
        return now_ms - self.polled_ms < fresh_s * 1_000
