"""E-mail through a real SMTP server: notices, digests and mails of other rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from aggregator.notify.config import EmailConfig, NotifyConfig
from tests.fixtures.certificates import Authority
from tests.fixtures.until import until
from tests.integration.notify.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.integration.notify.seeded_events import SeededEvents, publishing

ADA, BOB = "ada@example.com", "bob@example.com"
QUICK = EmailConfig(
    host="localhost", tls="none", sender="pool@example.com", poll_s=0.05, first_retry_s=0.05,
    retry_factor=1.0, digest_s=0.01, timeout_s=5, settings_url="https://pool.example.com/settings",
    invitation_url="https://pool.example.com/accept?code={code}",
)  # fmt: skip
PAYOUT = {
    "payment_id": "7a6f", "currency": "BTC", "amount": "0.00472423",
    "address": "bc1qexample", "tx_hash": "97dd",
}  # fmt: skip
INVITATION = {"code": "ab" * 32, "valid_until": "2026-12-01T00:00:00Z", "title": "acme"}


def config_of(server: MailServer, email: EmailConfig = QUICK) -> NotifyConfig:
    return NotifyConfig(poll_s=0.05, retry_s=0.1, email=replace(email, port=server.port))


@asynccontextmanager
async def mailing(seeded: SeededEvents, email: EmailConfig = QUICK) -> AsyncIterator[MailServer]:
    async with mail_server() as server, publishing(seeded, config_of(server, email)):
        yield server


async def add_user(
    seeded: SeededEvents, entity_id: int, address: str = ADA, *, role: str = "owner",
    language: str = "en",
) -> UUID:  # fmt: skip
    (row,) = await seeded.run(
        "insert into users (email, language) values (%s, %s) returning uid", address, language
    )
    uid: UUID = row["uid"]
    await seeded.run("insert into roles values (%s, %s, %s)", entity_id, uid, role)
    return uid


async def prefer(seeded: SeededEvents, user: UUID, key: str, *, enabled: bool) -> None:
    await seeded.run(
        "insert into notification_preferences values (%s, 'email', %s, %s)", user, key, enabled
    )


async def publish(
    seeded: SeededEvents, kind: str, fields: dict[str, str], *,
    entity_id: int | None = None, user: UUID | None = None,
) -> UUID:  # fmt: skip
    identity = uuid4()
    await seeded.run(
        "insert into events (event_id, kind, at, entity_id, user_uid, fields)"
        " values (%s, %s, now(), %s, %s, %s)",
        identity, kind, entity_id, user, orjson.dumps(fields).decode(),
    )  # fmt: skip
    return identity


async def send(
    seeded: SeededEvents, kind: str = "invitation", address: str = ADA,
    fields: dict[str, str] | None = None, language: str = "en",
) -> None:  # fmt: skip
    await seeded.run(
        "insert into outgoing_mails (kind, to_address, language, fields) values (%s, %s, %s, %s)",
        kind, address, language, orjson.dumps(INVITATION if fields is None else fields).decode(),
    )  # fmt: skip


async def mails(seeded: SeededEvents, status: str) -> list[dict[str, Any]]:
    return await seeded.run("select * from outgoing_mails where status = %s order by id", status)


def text_of(mail: EmailMessage, subtype: str = "plain") -> str:
    body = mail.get_body((subtype,))
    assert body is not None
    content: str = body.get_content()
    return content


async def test_payout_is_mailed_to_those_who_keep_the_accounts(seeded: SeededEvents) -> None:
    miner = await seeded.add_miner("acme")
    await add_user(seeded, miner)
    await add_user(seeded, miner, BOB, role="viewer")
    off = await add_user(seeded, miner, "off@example.com", role="accountant")
    await prefer(seeded, off, "miner-payout", enabled=False)
    async with mailing(seeded) as server:
        await publish(seeded, "payment.payout", PAYOUT, entity_id=miner)
        await until(lambda: mails(seeded, "sent"))
    (mail,) = server.accepted
    assert server.recipients == [ADA]
    assert mail["Subject"] == "Payout for acme"
    for body in (text_of(mail), text_of(mail, "html")):
        assert "0.00472423 BTC" in body
        assert "bc1qexample" in body
    assert "<https://pool.example.com/settings>" in mail["List-Unsubscribe"]
    (row,) = await mails(seeded, "sent")
    assert mail["Message-ID"] == f"<{row['message_id']}@example.com>"
    assert row["fields"] == {}


async def test_mail_is_in_the_language_of_the_user(seeded: SeededEvents) -> None:
    miner = await seeded.add_miner("acme")
    await add_user(seeded, miner, language="ru")
    async with mailing(seeded) as server:
        await publish(seeded, "payment.payout", PAYOUT, entity_id=miner)
        await until(lambda: server.accepted)
    (mail,) = server.accepted
    assert mail["Subject"] == "Выплата для acme"
    assert "Сумма: 0.00472423 BTC" in text_of(mail)


async def test_sign_in_concerns_its_user_alone(seeded: SeededEvents) -> None:
    miner = await seeded.add_miner("acme")
    user = await add_user(seeded, miner)
    await add_user(seeded, miner, BOB)
    fields = {"at": "2026-11-23T21:15:00Z", "ip_address": "::1", "user_agent": "Firefox"}
    async with mailing(seeded) as server:
        await publish(seeded, "user.login", fields, user=user)
        await until(lambda: server.accepted)
    assert server.recipients == [ADA]
    assert "2026-11-23 21:15 UTC" in text_of(server.accepted[0])


async def test_invitation_of_another_room_has_its_code_and_no_unsubscribe(
    seeded: SeededEvents,
) -> None:
    async with mailing(seeded) as server:
        await send(seeded)
        await until(lambda: server.accepted)
    (mail,) = server.accepted
    assert INVITATION["code"] in text_of(mail)
    assert f"https://pool.example.com/accept?code={INVITATION['code']}" in text_of(mail, "html")
    assert mail["List-Unsubscribe"] is None


async def test_digest_collects_the_changes_of_a_miner_for_who_wants_it(
    seeded: SeededEvents,
) -> None:
    miner = await seeded.add_miner("acme")
    user = await add_user(seeded, miner)
    await add_user(seeded, miner, BOB)
    await prefer(seeded, user, "worker-status-changed", enabled=True)
    for number in range(60):
        await seeded.change(await seeded.add_worker(miner, f"rig{number}"), "unavailable")
    async with mailing(seeded) as server:
        await until(lambda: server.accepted)
    (mail,) = server.accepted
    assert server.recipients == [ADA]
    assert "unavailable: rig0, rig1, " in text_of(mail)
    assert "rig49 and 10 more" in text_of(mail)


async def test_mails_of_an_address_stay_in_order_while_one_is_retried(
    seeded: SeededEvents,
) -> None:
    async with mail_server() as server:
        server.refuse_recipient[ADA] = ["450 mailbox busy"] * 2
        for number in range(3):
            await send(seeded, fields=INVITATION | {"title": f"m{number}"})
        await send(seeded, address=BOB)
        async with publishing(seeded, config_of(server)):
            await until(lambda: len(server.accepted) == 4)
    assert server.recipients[0] == BOB
    subjects = [mail["Subject"] for mail in server.mails_to(ADA)]
    assert subjects == [f"Invitation to m{number}" for number in range(3)]


@pytest.mark.parametrize("place", ["recipient", "data"])
async def test_permanent_refusal_fails_that_mail_alone(seeded: SeededEvents, place: str) -> None:
    async with mail_server() as server:
        if place == "recipient":
            server.refuse_recipient[ADA] = ["550 no such user"]
        else:
            server.refuse_data = ["554 looks like spam"]
        await send(seeded)
        await send(seeded, address=BOB)
        async with publishing(seeded, config_of(server)):
            await until(lambda: server.mails_to(BOB))
            (failed,) = await until(lambda: mails(seeded, "failed"))
    assert failed["to_address"] == ADA
    assert failed["last_error"].startswith("55")


async def test_mail_is_given_up_a_day_after_its_first_attempt(seeded: SeededEvents) -> None:
    async with mail_server() as server:
        server.refuse_recipient[ADA] = ["450 mailbox busy"] * 1_000
        await send(seeded)
        await seeded.run("update outgoing_mails set created_at = now() - interval '3 days'")
        async with publishing(seeded, config_of(server)):
            await until(lambda: server.attempts >= 2)
            assert not await mails(seeded, "failed")
            await seeded.run(
                "update outgoing_mails set first_attempt_at = now() - interval '25 hours'"
            )
            await until(lambda: mails(seeded, "failed"))


async def test_server_that_is_away_costs_no_mail_an_attempt(seeded: SeededEvents) -> None:
    async with mail_server() as server:
        away = config_of(server)
    await send(seeded)
    async with publishing(seeded, away):
        await until(lambda: _connected(seeded))
    (waiting,) = await mails(seeded, "pending")
    assert waiting["attempts"] == 0
    async with mailing(seeded) as server:
        await until(lambda: server.accepted)


async def _connected(seeded: SeededEvents) -> bool:
    return bool(await seeded.run("select 1 from publisher_cursors where channel = 'alerts'"))


@pytest.mark.parametrize(
    ("kind", "address", "fields"),
    [
        ("nonsense", ADA, {}),
        ("invitation", ADA, {"code": "x"}),
        ("invitation", "not an address", INVITATION),
        ("invitation", "a@example.com\r\nBcc: eve@example.com", INVITATION),
        ("worker-status-digest", ADA, {"statuses": "?"}),
    ],
)
async def test_row_that_makes_no_mail_fails_and_harms_no_other(
    seeded: SeededEvents, kind: str, address: str, fields: dict[str, str]
) -> None:
    await send(seeded, kind, address, fields)
    await send(seeded, address=BOB)
    async with mailing(seeded) as server:
        await until(lambda: mails(seeded, "failed"))
        await until(lambda: server.accepted)
    assert server.recipients == [BOB]


async def test_names_are_never_links(seeded: SeededEvents) -> None:
    evil = "https://evil.example/x"
    miner = await seeded.add_miner("acme")
    await seeded.run("update miners set title = %s", f"{evil}\u202e\x85")
    user = await add_user(seeded, miner)
    await prefer(seeded, user, "worker-status-changed", enabled=True)
    await seeded.change(await seeded.add_worker(miner, "<a href=//evil.example>"), "off")
    async with mailing(seeded) as server:
        await until(lambda: server.accepted)
    (mail,) = server.accepted
    for text in (mail["Subject"], text_of(mail), text_of(mail, "html")):
        assert "evil.example" not in text
        assert "://evil" not in text
        assert not {"\u202e", "\x85"} & set(text)
    assert "<a href=//" not in text_of(mail, "html")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "pool")


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_connection_is_encrypted_and_logged_in(
    seeded: SeededEvents, authority: Authority, tls: str
) -> None:
    context = authority.server("localhost")
    encrypted = {"starttls": context} if tls == "starttls" else {"tls": context}
    email = replace(
        QUICK, tls=tls, username=USER, password=PASSWORD, ca_file=str(authority.ca_file)
    )
    async with mail_server(login=True, **encrypted) as server:
        await send(seeded)
        async with publishing(seeded, config_of(server, email)):
            await until(lambda: server.accepted)


async def test_server_without_starttls_gets_nothing(seeded: SeededEvents) -> None:
    async with mail_server() as server:
        await send(seeded)
        async with publishing(seeded, config_of(server, replace(QUICK, tls="starttls"))):
            await until(lambda: _connected(seeded))
    assert server.accepted == []
    assert len(await mails(seeded, "pending")) == 1


async def test_notice_goes_to_webhooks_of_its_miner(seeded: SeededEvents) -> None:
    miner, other = await seeded.add_miner("acme"), await seeded.add_miner("other")
    webhook = await seeded.add_webhook(miner, "https://127.0.0.1/", "whsec_eA==")
    await seeded.add_webhook(other, "https://127.0.0.1/", "whsec_eA==")
    async with mailing(seeded):
        identity = await publish(seeded, "payment.payout", PAYOUT, entity_id=miner)
        (delivery,) = await until(seeded.deliveries)
    assert (delivery["webhook_id"], delivery["event_id"]) == (webhook, identity)
