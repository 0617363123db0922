"""The part of Telegram's Bot API that is used, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx2

from aggregator.notify.config import TelegramConfig
from ingest.errors import RetryableError

TEXT_MAX: Final = 4_096
"""UTF-16 code units that one message may have."""

_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_BAD_REQUEST: Final = 400
# As final as a block: no later attempt reaches such a chat.
_NO_CHAT: Final = (
    "chat not found",
    "chat_id is empty",
    "chat_write_forbidden",
    "group chat was deactivated",
    "have no rights to send a message",
    "need administrator rights",
    "not enough rights to send",
    "peer_id_invalid",
    "user is deactivated",
    "user not found",
)
# If it says no number: as long as Telegram usually asks for.
_DEFAULT_RETRY_AFTER_S: Final = 30.0


class ChatGoneError(Exception):
    """The user blocked the bot or the chat does not exist: nothing will ever reach it."""


class ChatMovedError(Exception):
    """The group became a supergroup, with another id."""

    def __init__(self, new_chat_id: int) -> None:
        super().__init__(f"the chat is {new_chat_id} now")
        self.new_chat_id = new_chat_id


class TooManyMessagesError(Exception):
    """Send nothing for `retry_after_s`: to this chat, or at all; the answer does not say which."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"retry after {retry_after_s} s")
        self.retry_after_s = retry_after_s


class TelegramBot:
    """A thin client. Owned by one `TelegramChannel`."""

    def __init__(self, config: TelegramConfig) -> None:
        self._config = config
        self._client = httpx2.AsyncClient(timeout=config.timeout_s, follow_redirects=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def me(self) -> Mapping[str, Any]:
        """The bot itself: `username`, `first_name`."""
        bot: Mapping[str, Any] = await self._call("getMe", {})
        return bot

    async def send_message(self, chat_id: int, text: str) -> None:
        """`text` is HTML of at most `TEXT_MAX` code units.

        Raises ChatGoneError, ChatMovedError, TooManyMessagesError, RetryableError.
        """
        await self._call(
            "sendMessage",
            {
                "chat_id": chat_id,
                "text": text,
                "parse_mode": "HTML",
                "link_preview_options": {"is_disabled": True},
            },
        )

    async def updates(self, offset: int) -> list[dict[str, Any]]:
        """Messages to the bot from update id `offset` on; waits for one for `long_poll_s`."""
        body = {
            "offset": offset,
            "timeout": self._config.long_poll_s,
            "allowed_updates": ["message"],
        }
        wait_s = self._config.long_poll_s + self._config.timeout_s
        updates: list[dict[str, Any]] = await self._call("getUpdates", body, timeout_s=wait_s)
        return updates

    async def _call(
        self, method: str, body: dict[str, Any], *, timeout_s: float | None = None
    ) -> Any:
        url = f"{self._config.base_url}/bot{self._config.token}/{method}"
        try:
            response = await self._client.post(
                url, json=body, timeout=timeout_s or self._config.timeout_s
            )
            answer = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            # Never with the URL: it holds the token.
            raise RetryableError(f"bot API: {method}: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            # Of a proxy in between.
            raise RetryableError(f"bot API: {method}: not its answer")
        if answer.get("ok"):
            return answer["result"]
        raise _refusal(method, answer)


def _refusal(method: str, answer: Mapping[str, Any]) -> Exception:
    code, description = answer.get("error_code"), str(answer.get("description", ""))
    parameters = answer.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    if code == _TOO_MANY:
        return TooManyMessagesError(_seconds(parameters.get("retry_after")))
    if isinstance(moved_to := parameters.get("migrate_to_chat_id"), int):
        return ChatMovedError(moved_to)
    no_chat = any(words in description.lower() for words in _NO_CHAT)
    if code == _FORBIDDEN or (code == _BAD_REQUEST and no_chat):
        return ChatGoneError(description)
    return RetryableError(f"bot API: {method}: {code} {description}")


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and value >= 0:
        return float(value)
    return _DEFAULT_RETRY_AFTER_S
