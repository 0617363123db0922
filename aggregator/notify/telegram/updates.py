"""What people write to the bot: `/start CODE` connects their chat, `/stop` disconnects it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from psycopg import DataError
from psycopg.types.json import Jsonb

from aggregator.notify.outbox import Connection, Outbox
from aggregator.notify.telegram.api import (
    ChatGoneError,
    ChatMovedError,
    TelegramBot,
    TooManyMessagesError,
)
from ingest.errors import RetryableError
from schemas.runtime.named_sql import load
from schemas.sealing import digest_of

log: Final = structlog.get_logger(__name__)

_SQL: Final = load("aggregator.notify", "sql/telegram.sql")

CONNECTED: Final = "Connected. Changes of your workers will be reported here; /stop ends that."
NO_INVITE: Final = "This code is unknown, used or out of date. Ask the pool's page for a new one."
STOPPED: Final = "Disconnected."

# NUL and lone surrogates, which PostgreSQL's text does not hold; a message without a chat.
_NO_UPDATE: Final = (DataError, UnicodeError, LookupError, TypeError, AttributeError)


class TelegramUpdates:
    """The long poll. An update is stored, then answered: a kill loses an answer at most."""

    def __init__(self, bot: TelegramBot, outbox: Outbox, *, retry_s: float) -> None:
        self._bot = bot
        self._outbox = outbox
        self._retry_s = retry_s

    async def run(self, stop: asyncio.Event) -> None:
        known = False
        while not stop.is_set():
            try:
                if not known:
                    await self._introduce()
                    known = True
                await self._poll()
            # ChatGoneError: 403, which says nothing of any chat here.
            except (RetryableError, ChatGoneError) as error:
                log.warning("updates_not_read", error=str(error))
                await asyncio.sleep(self._retry_s)
            except TooManyMessagesError as error:
                await asyncio.sleep(error.retry_after_s)

    async def _introduce(self) -> None:
        """Keep the bot's name, which users need to find it."""
        bot = await self._bot.me()
        names = {"username": bot.get("username"), "first_name": bot.get("first_name")}
        async with self._outbox.transaction() as connection:
            await connection.execute(_SQL["save_bot"], names)

    async def _poll(self) -> None:
        place = await self._outbox.read(_SQL["next_update"], {})
        for update in await self._bot.updates(place[0]["next_update_id"]):
            answer = await self._store(update)
            if answer is not None:
                await self._answer(update["message"]["chat"]["id"], answer)

    async def _store(self, update: dict[str, Any]) -> str | None:
        """What to answer. An update that cannot be stored is passed over, or it would come again
        for ever: people write whatever they like."""
        following = {"next_update_id": update["update_id"] + 1}
        try:
            async with self._outbox.transaction() as connection:
                answer = await self._handle(connection, update.get("message") or {})
                await connection.execute(_SQL["save_update"], following)
        except _NO_UPDATE as error:
            log.warning("update_passed_over", update=update["update_id"], error=repr(error))
            async with self._outbox.transaction() as connection:
                await connection.execute(_SQL["save_update"], following)
            return None
        return answer

    async def _handle(self, connection: Connection, message: dict[str, Any]) -> str | None:
        """What to answer to a message; None: nothing."""
        chat, text = message.get("chat") or {}, str(message.get("text", ""))
        if isinstance(moved_to := message.get("migrate_to_chat_id"), int):
            # The group became a supergroup.
            moved = {"chat_id": chat["id"], "new_chat_id": moved_to}
            await connection.execute(_SQL["move_chat"], moved)
            return None
        command, _, argument = text.strip().partition(" ")
        # In groups a command bears the bot's name: /start@bot.
        match command.partition("@")[0]:
            case "/start":
                return await self._connect(connection, message, argument.strip())
            case "/stop":
                await connection.execute(_SQL["disconnect_chat"], {"chat_id": chat["id"]})
                return STOPPED
        return None

    async def _connect(self, connection: Connection, message: dict[str, Any], code: str) -> str:
        cursor = await connection.execute(_SQL["activate_invite"], {"digest": digest_of(code)})
        invite = await cursor.fetchone()
        if invite is None:
            return NO_INVITE
        connected = {
            "user_uid": invite["user_uid"],
            "chat_id": message["chat"]["id"],
            "chat_user": Jsonb(message.get("from") or {}),
        }
        await connection.execute(_SQL["drop_other_users_of_chat"], connected)
        await connection.execute(_SQL["connect_chat"], connected)
        await connection.execute(_SQL["forget_disconnection"], connected)
        return CONNECTED

    async def _answer(self, chat_id: int, text: str) -> None:
        try:
            await self._bot.send_message(chat_id, text)
        except (ChatGoneError, ChatMovedError) as error:
            log.info("chat_not_answered", reason=str(error))
