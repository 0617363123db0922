"""The publisher: hands the events of the outbox to each channel in the order of their numbers.

notices ─number─▶ outbox 1, 2 ... ─▶ kafka   (cursor) ─▶ topic worker-status
                                  └▶ alerts  (cursor) ─▶ deliveries ─▶ webhooks
                                                      ├▶ lines ─▶ Telegram: one a miner and minute
                                                      └▶ lines, mails ─▶ e-mail: digests, one by one
figures ─transitions, numbered─▶ outbox
figures ─thresholds─▶ notices
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog
from psycopg_pool import PoolTimeout

from aggregator.notify.alerts.channel import AlertChannel
from aggregator.notify.channel import Channel, Subscriber
from aggregator.notify.config import NotifyConfig
from aggregator.notify.email.channel import EmailChannel
from aggregator.notify.kafka import KafkaChannel
from aggregator.notify.outbox import Outbox, Pool
from aggregator.notify.telegram.channel import TelegramChannel
from aggregator.notify.thresholds.monitor import ThresholdMonitor
from aggregator.notify.webhooks.channel import WebhookChannel
from aggregator.postgres.errors import FATAL, PASSING
from aggregator.postgres.lease import LeaseLostError
from ingest.errors import FatalError, RetryableError
from schemas.runtime.metrics import end_term, gauge
from schemas.runtime.tracing import span

log: Final = structlog.get_logger(__name__)


Channels = Callable[[NotifyConfig, Outbox], Sequence[Channel]]


def configured_channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
    """Webhooks always; Kafka, Telegram and e-mail if they are configured."""
    people: dict[str, float] = {}
    senders: list[Channel] = [
        ThresholdMonitor(config.thresholds, outbox),
        WebhookChannel(config.webhooks, outbox),
    ]
    if config.telegram is not None:
        people["telegram"] = config.telegram.fold_s
        senders.append(TelegramChannel(config.telegram, outbox))
    if config.email is not None:
        people["email"] = config.email.digest_s
        senders.append(EmailChannel(config.email, outbox))
    alerts = AlertChannel(
        outbox, people=people, rate_span_s=config.rate_span_s, poll_s=config.poll_s
    )
    if config.kafka is not None:
        return [KafkaChannel(config.kafka, outbox), alerts, *senders]
    return [alerts, *senders]


class Publisher:
    """Stage 3 as a service: one process publishes at a time, the others stand by.

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
        """Until `stop`. FatalError for what does not pass by waiting."""
        while not stop.is_set():
            try:
                if await self._outbox.acquire():
                    log.info("publishing", holder=self._config.holder, epoch=self._outbox.epoch)
                    await self._publish(stop)
                    await self._outbox.release()
                else:
                    await _sleep(self._config.standby_poll_s, stop)
            except LeaseLostError:
                log.warning("publisher_lease_lost", holder=self._config.holder)
            except FATAL as error:
                raise FatalError(f"{error}".strip()) from error
            except PASSING as error:
                log.warning("publisher_waits", error=str(error).strip())
                await _sleep(self._config.retry_s, stop)

    async def _publish(self, stop: asyncio.Event) -> None:
        """One term: until stop, an error of the database, or the lease is lost."""
        # Before anything is numbered, or a new channel would miss it.
        subscribers = [each.name for each in self._channels if isinstance(each, Subscriber)]
        await self._outbox.open_channels(subscribers)
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
            try:
                await _finish(tasks)
            finally:
                end_term("outbox_lag_seconds")

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
        """A channel whose server is away holds up itself alone."""
        while not ended.is_set():
            try:
                await channel.start()
                await self._run(channel, ended)
            except RetryableError as error:
                log.warning("channel_away", channel=channel.name, error=str(error))
                await _sleep(self._config.retry_s, ended)
            finally:
                await channel.close()

    async def _run(self, channel: Channel, ended: asyncio.Event) -> None:
        """Feed the channel if it subscribes, and let it send, until either ends."""
        stop = asyncio.Event()
        loops = [channel.run(stop)]
        if isinstance(channel, Subscriber):
            loops.append(self._feed(channel, ended))
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            await _finish(tasks)

    async def _feed(self, channel: Subscriber, ended: asyncio.Event) -> None:
        while not ended.is_set():
            batch = await self._outbox.after_cursor(channel.name, self._config.batch)
            if batch is not None:
                with span("publish", channel=channel.name, events=batch.to - batch.after):
                    await channel.publish(batch)
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
