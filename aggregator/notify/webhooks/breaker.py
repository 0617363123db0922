"""Which receivers failed lately and get nothing for a while."""

from __future__ import annotations

from uuid import UUID

from aggregator.notify.config import WebhookConfig

# More than 30 times tripled is longer than any break.
_COUNTED_FAILURES = 30


class CircuitBreaker:
    """Owned by one `WebhookChannel`. Times are those of a clock that never runs back."""

    def __init__(self, config: WebhookConfig) -> None:
        self._config = config
        # How often a receiver failed in a row, and until when its circuit is open.
        self._failures: dict[UUID, tuple[int, float]] = {}

    def failed(self, webhook_id: UUID, now_s: float) -> None:
        """Open the circuit for as long as a retry waits, at most for `longest_break_s`."""
        count = min(_COUNTED_FAILURES, self._failures.get(webhook_id, (0, 0.0))[0] + 1)
        config = self._config
        wait_s = config.first_retry_s * config.retry_factor ** (count - 1)
        self._failures[webhook_id] = count, now_s + min(wait_s, config.longest_break_s)

    def succeeded(self, webhook_id: UUID) -> None:
        self._failures.pop(webhook_id, None)

    def open_at(self, now_s: float) -> list[UUID]:
        return [one for one, (_, until_s) in self._failures.items() if until_s > now_s]
