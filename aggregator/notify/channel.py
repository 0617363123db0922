"""What a way to tell people and programs must offer the publisher."""

from __future__ import annotations

import asyncio
from typing import Protocol

from aggregator.notify.outbox import Batch


class Channel(Protocol):
    """Kafka, webhooks, Telegram. Owned by one `Publisher`; `start` and `close` once a term."""

    @property
    def name(self) -> str:
        """Of its cursor, and a metric label."""
        ...

    async def start(self) -> None:
        """Connect. Retried by the publisher when it raises `RetryableError`."""
        ...

    async def take(self, batch: Batch) -> None:
        """Send the batch, or store what is to be sent, and move the cursor behind it."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Send what `take` stored, until `stop`. A channel without a store just waits."""
        ...

    async def close(self) -> None: ...
