"""Telegram: lines for the users who want them, one message per miner and minute."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final
from uuid import UUID

import structlog

from aggregator.notify.config import TelegramConfig
from aggregator.notify.outbox import Batch, Outbox
from aggregator.notify.telegram_api import ChatGoneError, TelegramBot, TooManyMessagesError
from aggregator.notify.telegram_text import message_text
from aggregator.notify.telegram_updates import TelegramUpdates
from ingest.errors import RetryableError
from schemas.events import Event, event_of
from schemas.metrics import counter
from schemas.named_sql import load

log: Final = structlog.get_logger(__name__)

_SQL: Final = load("aggregator.notify", "sql/telegram.sql")
_TAKE: Final = ("take_alerts", "take_returns", "take_silent_sources", "take_returned_sources")
# Lines read at a time; a message takes all the lines of its miner that are among them.
_LINES_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """All lines that are due for one miner in one chat."""

    chat_id: int
    user_uid: UUID
    title: str
    line_ids: tuple[int, ...]
    events: tuple[Event, ...]


class TelegramChannel:
    """Owned by one `Publisher`."""

    name: Final = "telegram"

    def __init__(
        self, config: TelegramConfig, outbox: Outbox, *, rate_span_s: int, fold_s: float = 60.0
    ) -> None:
        self._config = config
        self._outbox = outbox
        self._rate_span_s = rate_span_s
        self._fold_s = fold_s
        self._bot: TelegramBot | None = None

    async def start(self) -> None:
        self._bot = self.new_bot()

    def new_bot(self) -> TelegramBot:
        return TelegramBot(self._config)

    async def take(self, batch: Batch) -> None:
        bounds = {
            "after": batch.after,
            "to": batch.to,
            "rate_span_s": self._rate_span_s,
            "fold_s": self._fold_s,
        }
        async with self._outbox.transaction() as connection:
            for statement in _TAKE:
                await connection.execute(_SQL[statement], bounds)
            await self._outbox.advance(connection, self.name, batch.to)

    async def run(self, stop: asyncio.Event) -> None:
        assert self._bot is not None
        updates = TelegramUpdates(self._bot, self._outbox, retry_s=self._config.retry_s)
        polling = asyncio.create_task(updates.run(stop))
        try:
            while not stop.is_set() and not polling.done():
                await self._send_due(self._bot)
                await asyncio.sleep(self._config.poll_s)
        finally:
            polling.cancel()
            result = (await asyncio.gather(polling, return_exceptions=True))[0]
        if isinstance(result, Exception):
            raise result

    async def close(self) -> None:
        bot, self._bot = self._bot, None
        if bot is not None:
            await bot.close()

    async def _send_due(self, bot: TelegramBot) -> None:
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL["drop_old"], {"give_up_s": self._config.give_up_s})
        rows = await self._outbox.read(_SQL["due"], {"limit": _LINES_MAX})
        for message in _messages(rows):
            try:
                await self._send(bot, message)
            except TooManyMessagesError as error:
                self._count("retried")
                await asyncio.sleep(error.retry_after_s)
                return
            await asyncio.sleep(1 / self._config.messages_per_s)

    async def _send(self, bot: TelegramBot, message: Message) -> None:
        """Sent and then taken off the list: a kill in between sends it once more."""
        lines = {"line_ids": list(message.line_ids)}
        try:
            await bot.send_message(message.chat_id, message_text(message.title, message.events))
        except ChatGoneError as error:
            log.info("chat_disconnected", user=str(message.user_uid), reason=str(error))
            await self._write("disconnect_chat", {"chat_id": message.chat_id})
            self._count("failed")
        except RetryableError as error:
            log.warning("message_not_sent", error=str(error))
            await self._write("retry_later", {**lines, "delay_s": self._config.retry_s})
            self._count("retried")
        else:
            await self._write("sent", lines)
            self._count("delivered")

    async def _write(self, statement: str, parameters: dict[str, Any]) -> None:
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL[statement], parameters)

    def _count(self, outcome: str) -> None:
        counter("deliveries_total").labels(channel=self.name, outcome=outcome).inc()


def _messages(rows: list[dict[str, Any]]) -> list[Message]:
    """One for each run of rows with the same chat and miner."""
    return [
        _message(list(lines))
        for _, lines in groupby(rows, key=lambda row: (row["chat_id"], row["chat_miner_id"]))
    ]


def _message(lines: list[dict[str, Any]]) -> Message:
    events = []
    for line in lines:
        event = event_of(line)
        if line["own_workers"] is not None:
            event = replace(event, workers=line["own_workers"])
        events.append(event)
    return Message(
        lines[0]["chat_id"],
        lines[0]["user_uid"],
        lines[0]["miner_title"],
        tuple(line["line_id"] for line in lines),
        tuple(events),
    )
