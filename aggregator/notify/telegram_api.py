"""The part of Telegram's Bot API that is used, and what its refusals mean."""

from __future__ import annotations

from typing import Any, Final

import httpx2

from aggregator.notify.config import TelegramConfig
from ingest.errors import RetryableError

TEXT_MAX: Final = 4_096
"""UTF-16 code units that one message may have."""

_FORBIDDEN: Final = 403
_TOO_MANY: Final = 429
_BAD_REQUEST: Final = 400
# "chat not found", "user is deactivated": as final as a block.
_NO_CHAT: Final = ("chat not found", "user is deactivated", "chat_id is empty")


class ChatGoneError(Exception):
    """The user blocked the bot or the chat does not exist: nothing will ever reach it."""


class TooManyMessagesError(Exception):
    """Send nothing for `retry_after_s`."""

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

    async def send_message(self, chat_id: int, text: str) -> None:
        """`text` is HTML of at most `TEXT_MAX` code units.

        Raises ChatGoneError, TooManyMessagesError, RetryableError.
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
            # A proxy in between that answers for it.
            raise RetryableError(f"bot API: {method}: not its answer")
        if answer.get("ok"):
            return answer["result"]
        raise _refusal(method, answer)


def _refusal(method: str, answer: dict[str, Any]) -> Exception:
    code, description = answer.get("error_code"), str(answer.get("description", ""))
    if code == _TOO_MANY:
        return TooManyMessagesError(float(answer.get("parameters", {}).get("retry_after", 1)))
    no_chat = any(words in description for words in _NO_CHAT)
    if code == _FORBIDDEN or (code == _BAD_REQUEST and no_chat):
        return ChatGoneError(description)
    return RetryableError(f"bot API: {method}: {code} {description}")
