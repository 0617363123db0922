"""A publisher that is killed at its n-th step: a fuse in everything it asks of others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aggregator.notify.channel import Channel
from aggregator.notify.config import NotifyConfig
from aggregator.notify.outbox import Batch, Connection, Outbox, Pool
from aggregator.notify.publisher import Publisher

LEASE_S = 0.2


class KilledError(Exception):
    """Stands for SIGKILL: nothing after it runs, and the lease is not released."""


class Fuse:
    """Burns through at the n-th step."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise KilledError


class FusedOutbox(Outbox):
    """A step before and after everything that the publisher asks of the database."""

    def __init__(self, pool: Pool, fuse: Fuse) -> None:
        super().__init__(pool, holder="fused", lease_s=LEASE_S)
        self._fuse = fuse

    async def number(self, batch: int) -> int:
        self._fuse.step()
        found = await super().number(batch)
        if found:
            self._fuse.step()
        return found

    async def after_cursor(self, channel: str, batch: int) -> Batch | None:
        found = await super().after_cursor(channel, batch)
        if found:
            self._fuse.step()
        return found

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        self._fuse.step()
        async with super().transaction() as connection:
            yield connection
            # Before the commit ...
            self._fuse.step()
        # ... and after it.
        self._fuse.step()


def fused_publisher(
    fuse: Fuse, channels: Callable[[NotifyConfig, Outbox], Sequence[Channel]]
) -> type[Publisher]:
    """A publisher to these channels, with a step around all it asks of the database."""

    class FusedPublisher(Publisher):
        def __init__(self, config: NotifyConfig, pool: Pool, **_: Any) -> None:
            super().__init__(config, pool, channels=channels)

        def new_outbox(self, pool: Pool) -> Outbox:
            return FusedOutbox(pool, fuse)

    return FusedPublisher
