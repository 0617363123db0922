"""Telegram: lines for the users who want them, one message per miner and minute."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog

from aggregator.notify.alerts.lines import Message, messages_of
from aggregator.notify.config import TelegramConfig
from aggregator.notify.outbox import Outbox
from aggregator.notify.telegram.api import (
    ChatGoneError,
    ChatMovedError,
    TelegramBot,
    TooManyMessagesError,
)
from aggregator.notify.telegram.message import message_text
from aggregator.notify.telegram.updates import TelegramUpdates
from ingest.errors import RetryableError
from schemas.runtime.metrics import counter
from schemas.runtime.named_sql import load

log: Final = structlog.get_logger(__name__)

_SQL: Final = load("aggregator.notify", "sql/telegram.sql")
# Lines read at a time; a message takes all the lines of its miner that are among them.
_LINES_MAX: Final = 10_000


class TelegramChannel:
    """Owned by one `Publisher`."""

    name: Final = "telegram"

    def __init__(self, config: TelegramConfig, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._bot: TelegramBot | None = None
        # Chats refused with 429 since the last message that was sent.
        self._refused_chats: set[int] = set()

    async def start(self) -> None:
        self._bot = self.new_bot()

    def new_bot(self) -> TelegramBot:
        return TelegramBot(self._config)

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
        await self._write("drop_old", {"give_up_s": self._config.give_up_s})
        rows = await self._outbox.read(_SQL["due"], {"limit": _LINES_MAX})
        held: set[int] = set()
        for message in messages_of(rows, by="chat_id"):
            if message.recipient in held:
                continue
            try:
                await self._send(bot, message)
            except TooManyMessagesError as error:
                held.add(message.recipient)
                lines = {"line_ids": list(message.line_ids), "delay_s": error.retry_after_s}
                await self._write("retry_later", lines)
                if await self._hold(message.recipient, error.retry_after_s):
                    return
            await asyncio.sleep(1 / self._config.messages_per_s)

    async def _hold(self, chat_id: int, retry_after_s: float) -> bool:
        """Let the chat wait, and all chats if the limit is the bot's: whether it is.

        Telegram does not say whose limit was met. One busy group is refused alone; if several chats
        in a row are refused, it is the bot.
        """
        self._count("retried")
        await self._write("hold_chat", {"chat_id": chat_id, "delay_s": retry_after_s})
        self._refused_chats.add(chat_id)
        if len(self._refused_chats) < self._config.refused_chats_of_bot_limit:
            return False
        log.warning("telegram_limits_the_bot", retry_after_s=retry_after_s)
        self._refused_chats.clear()
        await asyncio.sleep(retry_after_s)
        return True

    async def _send(self, bot: TelegramBot, message: Message[int]) -> None:
        """Sent and then taken off the list: a kill in between sends it once more."""
        lines = {"line_ids": list(message.line_ids)}
        chat = {"chat_id": message.recipient}
        try:
            await bot.send_message(message.recipient, message_text(message.title, message.events))
        except ChatMovedError as error:
            log.info("chat_moved", user=str(message.user_uid))
            await self._write("move_chat", chat | {"new_chat_id": error.new_chat_id})
            self._count("retried")
        except ChatGoneError as error:
            log.info("chat_disconnected", user=str(message.user_uid), reason=str(error))
            await self._write("disconnect_refused_chat", chat | {"reason": str(error)})
            self._count("failed")
        except RetryableError as error:
            log.warning("message_not_sent", error=str(error))
            await self._write("retry_later", {**lines, "delay_s": self._config.retry_s})
            self._count("retried")
        else:
            self._refused_chats.clear()
            await self._write("sent", lines)
            self._count("delivered")

    async def _write(self, statement: str, parameters: Mapping[str, Any]) -> None:
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL[statement], parameters)

    def _count(self, outcome: str) -> None:
        counter("deliveries_total").labels(channel=self.name, outcome=outcome).inc()
