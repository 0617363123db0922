"""What a settlement books reaches people: signed webhooks, and mails by a real SMTP server."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from standardwebhooks import Webhook

from aggregator.notify.config import EmailConfig, NotifyConfig
from tests.fixtures.http_server import http_server
from tests.fixtures.until import until
from tests.integration.notify.mail_server import MailServer, mail_server
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.webhooks.receiver import CONFIG, SECRET, Receiver
from tests.integration.settlement.settled_pool import SettledPool

pytestmark = pytest.mark.postgres


def config_of(server: MailServer) -> NotifyConfig:
    email = EmailConfig(
        host="localhost", port=server.port, tls="none", sender="pool@example.com", poll_s=0.05
    )
    return replace(CONFIG, email=email)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


async def owner(pool: SettledPool, miner: int, *, language: str) -> None:
    user = await pool.one(
        "insert into users (email, language) values (%s, %s) returning uid",
        f"{language}@example.com",
        language,
    )
    await pool.connection.execute(
        "insert into roles (entity_id, user_uid, role) values (%s, %s, 'owner')", (miner, user)
    )


def verified(receiver: Receiver) -> list[dict[str, Any]]:
    return [Webhook(SECRET).verify(one.body, one.headers) for one in receiver.requests]


async def test_a_reward_and_its_correction_are_posted_and_mailed(
    pool: SettledPool, seeded: SeededEvents
) -> None:
    alice = await pool.miner("alice")
    for language in ("en", "ru"):
        await owner(pool, alice, language=language)
    await pool.work(alice, 1_000)
    await pool.rate()
    receiver = Receiver()
    async with (
        mail_server() as server,
        http_server(receiver) as url,
        publishing(seeded, config_of(server)),
    ):
        await seeded.add_webhook(alice, url, SECRET)
        await pool.settle()
        await until(lambda: len(receiver.requests) == 1 and len(server.accepted) == 2)
        await pool.connection.execute("update worker_minutes set accepted = 940")
        await pool.correct()
        await until(lambda: len(receiver.requests) == 2 and len(server.accepted) == 4)
    reward, correction = verified(receiver)
    payments = dict(await pool.all("select direction, id::text from payments"))
    assert reward["type"] == "payment.reward"
    assert reward["data"]["payment_id"] == payments["incoming"]
    assert reward["data"]["amount"] == "0.00001000"
    assert correction["type"] == "payment.correction"
    assert (
        correction["data"]
        | {
            "payment_id": payments["outgoing"],
            "amount": "0.00000060",
            "direction": "outgoing",
            "day": "2026-11-26",
            "currency": "BTC",
        }
        == correction["data"]
    )
    mails = {str(mail["Subject"]): text_of(mail) for mail in server.accepted}
    assert "0.00001000 BTC" in mails["Reward for alice"]
    assert "-0.00000060 BTC" in mails["Correction for alice"]
    assert "-0.00000060 BTC" in mails["Корректировка для alice"]


async def test_a_pool_that_corrects_its_miners_is_not_written_to_for_each(
    pool: SettledPool,
) -> None:
    await pool.connection.execute("update pools set fee = 0.1")
    alice = await pool.miner("alice")
    await pool.work(alice, 1_000)
    await pool.rate()
    await pool.settle()
    await pool.work(alice, 100, minute=1)
    await pool.correct()
    kinds = await pool.all("select kind, entity_id from events order by 1, 2")
    assert kinds == [
        ("payment.correction", alice),
        *sorted([("payment.reward", alice), ("payment.reward", pool.pool)]),
    ]
