"""Where notices about a wallet arrive: a webhook, a real SMTP server and a fake of Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from aggregator.notify.config import EmailConfig, NotifyConfig, TelegramConfig, WebhookConfig
from tests.fixtures.http_server import http_server
from tests.integration.notify.killed_publisher import LEASE_S
from tests.integration.notify.mail_server import MailServer, mail_server
from tests.integration.notify.seeded_events import SeededEvents
from tests.integration.notify.telegram.fake_telegram import TOKEN, FakeTelegram
from tests.integration.notify.webhooks.receiver import SECRET, Receiver

UNFINISHED = """
select (select count(*) from events where sequence is null)
    + (select count(*) from events, publisher_cursors
       where channel = 'alerts' and events.sequence > publisher_cursors.sequence)
    + (select count(*) from webhook_deliveries where status = 'pending')
    + (select count(*) from outgoing_mails where status = 'pending')
    + (select count(*) from alert_lines) as messages
"""


@dataclass(frozen=True)
class Receivers:
    """What came, by channel. `config` is that of a notifier which sends there."""

    webhook: Receiver
    mail: MailServer
    telegram: FakeTelegram
    config: NotifyConfig
    webhook_url: str

    def notices(self) -> list[dict[str, Any]]:
        """The data of each webhook message, its signature checked."""
        requests = self.webhook.requests
        bodies = [Webhook(SECRET).verify(one.body, one.headers) for one in requests]
        assert [str(body["data"]["id"]) for body in bodies] == self.webhook.ids
        return [body["data"] for body in bodies]


@asynccontextmanager
async def receivers(*chat_ids: int) -> AsyncIterator[Receivers]:
    webhook, telegram = Receiver(), FakeTelegram(*chat_ids)
    async with (
        http_server(webhook) as webhook_url,
        http_server(telegram) as bot_url,
        mail_server() as mail,
    ):
        config = NotifyConfig(
            lease_s=LEASE_S, renew_s=0.05, standby_poll_s=0.02, poll_s=0.02, retry_s=0.05,
            webhooks=WebhookConfig(
                allow_private=True, poll_s=0.02, first_retry_s=0.05, retry_factor=1.0
            ),
            email=EmailConfig(
                host="127.0.0.1", port=mail.port, tls="none", sender="pool@example.com",
                poll_s=0.02, first_retry_s=0.05, retry_factor=1.0,
            ),
            telegram=TelegramConfig(
                TOKEN, base_url=bot_url, poll_s=0.02, long_poll_s=1, retry_s=0.05,
                messages_per_s=1_000,
            ),
        )  # fmt: skip
        yield Receivers(webhook, mail, telegram, config, webhook_url)


async def add_person(
    seeded: SeededEvents, entity_id: int, role: str, name: str, *, chat_id: int | None = None,
) -> UUID:  # fmt: skip
    """With an address; with a chat, every notice is wanted there."""
    (row,) = await seeded.run(
        "insert into users (email) values (%s) returning uid", f"{name}@example.com"
    )
    uid: UUID = row["uid"]
    await seeded.run("insert into roles values (%s, %s, %s)", entity_id, uid, role)
    if chat_id is not None:
        await seeded.run(
            "insert into telegram_chats (user_uid, chat_id, chat_user, connected_at)"
            " values (%s, %s, '{}', now() - interval '1 minute')",
            uid,
            chat_id,
        )
        for key in ("miner-wallet-address-changed", "miner-wallet-minpay-changed"):
            await prefer(seeded, uid, "telegram", key, enabled=True)
    return uid


async def prefer(
    seeded: SeededEvents, user: UUID, channel: str, key: str, *, enabled: bool
) -> None:
    await seeded.run(
        "insert into notification_preferences values (%s, %s, %s, %s)", user, channel, key, enabled
    )


async def all_sent(seeded: SeededEvents) -> bool:
    """Whether nothing is left to number, to hand to a channel, or to send."""
    rows = await seeded.run(UNFINISHED)
    return bool(rows[0]["messages"] == 0)


async def events(seeded: SeededEvents) -> list[dict[str, Any]]:
    return await seeded.run("select event_id, kind, fields from events order by id")


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content
