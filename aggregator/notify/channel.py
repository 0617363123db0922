"""What the publisher expects of a channel: Kafka, alerts, webhooks, Telegram, e-mail."""

from __future__ import annotations

import asyncio
from typing import Protocol, runtime_checkable

from aggregator.notify.outbox import Batch


class Channel(Protocol):
    """Owned by one `Publisher`; `start` and `close` once a term."""

    @property
    def name(self) -> str:
        """For logs, a metric label, and the cursor of a subscriber."""
        ...

    async def start(self) -> None:
        """Connect. The publisher retries it after a `RetryableError`."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is stored, until `stop`. A channel without a store just waits."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Subscriber(Channel, Protocol):
    """A channel that reads the outbox from a place of its own."""

    async def publish(self, batch: Batch) -> None:
        """Send the batch, or store what is to be sent, and move the cursor to its end."""
        ...
