"""A fake of Telegram's Bot API that refuses what the real one refuses."""

from __future__ import annotations

import asyncio
import json
from html.parser import HTMLParser
from typing import Any

import orjson

from tests.fixtures.http_server import HttpAnswer, HttpRequest

TOKEN = "123456:AAH-of-the-fake"
# https://core.telegram.org/bots/api#html-style
TAGS = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a"}
ENTITIES = {"lt", "gt", "amp", "quot"}


class FakeTelegram:
    """Chats it knows, what they got, and what users write."""

    def __init__(self, *chat_ids: int) -> None:
        self.chat_ids = set(chat_ids)
        self.blocked: set[int] = set()
        self.retry_after: list[int] = []
        # Chats that answer 429 with so many seconds, each time.
        self.busy: dict[int, int] = {}
        # Groups that became supergroups, and the words of other refusals.
        self.moved: dict[int, int] = {}
        self.refusals: dict[int, tuple[int, str]] = {}
        self.forbidden_polls = 0
        self.sent: list[tuple[int, str]] = []
        self.refused: list[dict[str, Any]] = []
        self._updates: list[dict[str, Any]] = []

    def texts(self, chat_id: int) -> list[str]:
        return [text for chat, text in self.sent if chat == chat_id]

    def migrate(self, chat_id: int, new_chat_id: int) -> None:
        """The service message that a group gets when it becomes a supergroup."""
        message = {"chat": {"id": chat_id}, "migrate_to_chat_id": new_chat_id}
        self._updates.append({"update_id": 100 + len(self._updates), "message": message})

    def write(self, chat_id: int, text: str) -> None:
        """A user writes to the bot; that opens the chat."""
        self.chat_ids.add(chat_id)
        message = {
            "message_id": 1,
            "date": 0,
            "chat": {"id": chat_id, "type": "private"},
            "from": {"id": chat_id, "is_bot": False, "first_name": "Ada"},
            "text": text,
        }
        self._updates.append({"update_id": 100 + len(self._updates), "message": message})

    async def __call__(self, request: HttpRequest) -> HttpAnswer:
        bot, _, method = request.path.removeprefix("/").partition("/")
        if bot != f"bot{TOKEN}":
            return self._refuse(401, "Unauthorized")
        body = orjson.loads(request.body)
        if method == "sendMessage":
            return self._send(body)
        if method == "getMe":
            return _answer({"id": 1, "is_bot": True, "username": "fake_bot", "first_name": "Fake"})
        if method == "getUpdates":
            return await self._give_updates(body)
        return self._refuse(404, "Not Found: method not found")

    def _send(self, body: dict[str, Any]) -> HttpAnswer:
        chat_id, text = body.get("chat_id"), body.get("text")
        if self.retry_after:
            seconds = self.retry_after.pop(0)
            return self._refuse(
                429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds}
            )
        if chat_id in self.busy:
            seconds = self.busy[chat_id]
            return self._refuse(
                429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds}
            )
        if chat_id in self.moved:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            return self._refuse(400, words, {"migrate_to_chat_id": self.moved[chat_id]})
        if chat_id in self.refusals:
            return self._refuse(*self.refusals[chat_id])
        if chat_id not in self.chat_ids:
            return self._refuse(400, "Bad Request: chat not found")
        if chat_id in self.blocked:
            return self._refuse(403, "Forbidden: bot was blocked by the user")
        if not isinstance(text, str) or not text.strip():
            return self._refuse(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > 4_096:
            return self._refuse(400, "Bad Request: message is too long")
        if body.get("parse_mode") == "HTML" and not _is_telegram_html(text):
            return self._refuse(400, "Bad Request: can't parse entities")
        self.sent.append((chat_id, text))
        return _answer({"message_id": len(self.sent), "chat": {"id": chat_id}, "text": text})

    async def _give_updates(self, body: dict[str, Any]) -> HttpAnswer:
        if self.forbidden_polls:
            self.forbidden_polls -= 1
            return self._refuse(403, "Forbidden")

        async def fresh() -> list[dict[str, Any]]:
            while not (found := [u for u in self._updates if u["update_id"] >= body["offset"]]):
                await asyncio.sleep(0.02)
            return found

        try:
            return _answer(await asyncio.wait_for(fresh(), body["timeout"]))
        except TimeoutError:
            return _answer([])

    def _refuse(
        self, code: int, description: str, parameters: dict[str, Any] | None = None
    ) -> HttpAnswer:
        refusal = {"ok": False, "error_code": code, "description": description}
        if parameters:
            refusal["parameters"] = parameters
        self.refused.append(refusal)
        return HttpAnswer(code, orjson.dumps(refusal), {"content-type": "application/json"})


def _answer(result: Any) -> HttpAnswer:
    # Escaped, as Telegram writes it: what is no UTF-8 can be said, too.
    body = json.dumps({"ok": True, "result": result}).encode()
    return HttpAnswer(200, body, {"content-type": "application/json"})


class _Markup(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.good = True

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.good &= tag in TAGS
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.good &= bool(self.open) and self.open.pop() == tag

    def handle_entityref(self, name: str) -> None:
        self.good &= name in ENTITIES

    def handle_data(self, data: str) -> None:
        # An ampersand or an angle bracket that is text must be escaped.
        self.good &= not {"<", ">", "&"} & set(data)

    def handle_comment(self, data: str) -> None:
        self.good = False

    def handle_decl(self, decl: str) -> None:
        self.good = False


def _is_telegram_html(text: str) -> bool:
    markup = _Markup()
    markup.feed(text)
    markup.close()
    return markup.good and not markup.open
