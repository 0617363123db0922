"""The publisher: numbers the events of the outbox and hands them to each channel in order.

outbox ─number─▶ 1, 2, 3 ... ─▶ kafka      (cursor) ─▶ topic worker-status
                             ├▶ webhooks   (cursor) ─▶ deliveries ─▶ receivers
                             └▶ telegram   (cursor) ─▶ lines ─▶ one message per miner and minute
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog
from psycopg import OperationalError
from psycopg.errors import (
    IdleInTransactionSessionTimeout,
    InsufficientPrivilege,
    UndefinedColumn,
    UndefinedTable,
)
from psycopg_pool import PoolTimeout

from aggregator.notify.channel import Channel
from aggregator.notify.config import NotifyConfig
from aggregator.notify.kafka import KafkaChannel
from aggregator.notify.outbox import Outbox, Pool, PublisherLeaseLostError
from aggregator.notify.telegram import TelegramChannel
from aggregator.notify.webhooks import WebhookChannel
from ingest.errors import FatalError, RetryableError
from schemas.metrics import gauge
from schemas.spans import span

log: Final = structlog.get_logger(__name__)

# The third: having been frozen, which psycopg does not count as operational.
_PASSING: Final = (OperationalError, PoolTimeout, IdleInTransactionSessionTimeout, RetryableError)
_FATAL: Final = (UndefinedTable, UndefinedColumn, InsufficientPrivilege)

Channels = Callable[[NotifyConfig, Outbox], Sequence[Channel]]


def configured_channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
    """Webhooks always; Kafka and Telegram where they are configured."""
    span_s = config.rate_span_s
    channels: list[Channel] = [WebhookChannel(config.webhooks, outbox, rate_span_s=span_s)]
    if config.kafka is not None:
        channels.append(KafkaChannel(config.kafka, outbox))
    if config.telegram is not None:
        channels.append(TelegramChannel(config.telegram, outbox, rate_span_s=span_s))
    return channels


class Publisher:
    """Stage 3 as a service: one publishes at a time, the others stand by.

    `run` is to be called once. The pool's connections are set up by `outbox.configure`.
    """

    def __init__(
        self, config: NotifyConfig, pool: Pool, *, channels: Channels = configured_channels
    ) -> None:
        self._config = config
        self._outbox = self.new_outbox(pool)
        self._channels = channels(config, self._outbox)
        self._numbered = asyncio.Condition()

    def new_outbox(self, pool: Pool) -> Outbox:
        return Outbox(pool, holder=self._config.holder, lease_s=self._config.lease_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. FatalError for what waiting does not mend."""
        while not stop.is_set():
            try:
                if await self._outbox.acquire():
                    log.info("publishing", holder=self._config.holder, epoch=self._outbox.epoch)
                    await self._publish(stop)
                    await self._outbox.release()
                else:
                    await _sleep(self._config.standby_poll_s, stop)
            except PublisherLeaseLostError:
                log.warning("publisher_lease_lost", holder=self._config.holder)
            except _FATAL as error:
                raise FatalError(f"{error}".strip()) from error
            except _PASSING as error:
                log.warning("publisher_waits", error=str(error).strip())
                await _sleep(self._config.retry_s, stop)

    async def _publish(self, stop: asyncio.Event) -> None:
        """One term: until stop, an error of the database, or the lease is lost."""
        # Before anything is numbered, or a new channel would miss it.
        for channel in self._channels:
            await self._outbox.open_channel(channel.name)
        ended = asyncio.Event()
        loops = [self._number(ended), self._renew(ended), self._measure(ended)]
        loops += [self._serve(channel, ended) for channel in self._channels]
        tasks = [asyncio.create_task(loop) for loop in loops]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.set()
            stopping.cancel()
            await _finish(tasks)

    async def _number(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            count = await self._outbox.number(self._config.batch)
            if count:
                async with self._numbered:
                    self._numbered.notify_all()
            if count < self._config.batch:
                await _sleep(self._config.poll_s, ended)

    async def _renew(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await _sleep(self._config.renew_s, ended)
            with suppress(PoolTimeout):
                await self._outbox.renew()

    async def _measure(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            for channel, lag_s in (await self._outbox.lag_s()).items():
                gauge("outbox_lag_seconds").labels(channel=channel).set(lag_s)
            await _sleep(self._config.renew_s, ended)

    async def _serve(self, channel: Channel, ended: asyncio.Event) -> None:
        """A channel that is away holds up itself alone."""
        while not ended.is_set():
            try:
                await channel.start()
                await self._together(channel, ended)
            except RetryableError as error:
                log.warning("channel_away", channel=channel.name, error=str(error))
                await _sleep(self._config.retry_s, ended)
            finally:
                await channel.close()

    async def _together(self, channel: Channel, ended: asyncio.Event) -> None:
        """Feed the channel and let it send, until either ends."""
        left = asyncio.Event()
        tasks: list[asyncio.Task[None]] = [
            asyncio.create_task(self._feed(channel, ended)),
            asyncio.create_task(channel.run(left)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.set()
            await _finish(tasks)

    async def _feed(self, channel: Channel, ended: asyncio.Event) -> None:
        while not ended.is_set():
            batch = await self._outbox.after_cursor(channel.name, self._config.batch)
            if batch is not None:
                with span("publish", channel=channel.name, events=batch.to - batch.after):
                    await channel.take(batch)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._config.poll_s), self._numbered:
                    await self._numbered.wait()


async def _finish(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel what still runs, wait for all, and raise the first failure."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def _sleep(seconds: float, ended: asyncio.Event) -> None:
    """Or less, when it ends."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()
