"""The publisher killed between any two steps of e-mail: every mail arrives, none is forgotten.

A kill may repeat one mail, that between sending it and noting that, under the same Message-ID.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from email.message import EmailMessage
from uuid import uuid4

import orjson
import pytest

from aggregator.notify.alerts.channel import AlertChannel
from aggregator.notify.channel import Channel
from aggregator.notify.config import EmailConfig, NotifyConfig
from aggregator.notify.email.channel import EmailChannel
from aggregator.notify.email.smtp import SmtpClient
from aggregator.notify.outbox import Outbox
from aggregator.notify.publisher import Publisher
from tests.fixtures.until import until
from tests.integration.notify.killed_publisher import LEASE_S, Fuse, KilledError, fused_publisher
from tests.integration.notify.mail_server import MailServer, mail_server
from tests.integration.notify.seeded_events import SeededEvents, publishing, seeded_events

ADDRESSES = ("ada@example.com",)
PAYOUTS = 2
PAYOUT = {"payment_id": "1", "currency": "BTC", "address": "bc1q", "tx_hash": "97"}


def config_of(server: MailServer) -> NotifyConfig:
    return NotifyConfig(
        lease_s=LEASE_S, renew_s=0.05, standby_poll_s=0.02, poll_s=0.02, retry_s=0.05,
        email=EmailConfig(
            host="127.0.0.1", port=server.port, tls="none", sender="pool@example.com", poll_s=0.02,
            digest_s=0.001,
        ),
    )  # fmt: skip


class FusedClient(SmtpClient):
    """A step before a mail and one after it."""

    def __init__(self, config: EmailConfig, fuse: Fuse) -> None:
        super().__init__(config)
        self._fuse = fuse

    async def send(self, message: EmailMessage) -> None:
        self._fuse.step()
        await super().send(message)
        self._fuse.step()


def fused(fuse: Fuse) -> type[Publisher]:
    class FusedEmail(EmailChannel):
        def new_client(self) -> SmtpClient:
            return FusedClient(self._config, fuse)

    def channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
        assert config.email is not None
        alerts = AlertChannel(outbox, people={"email": 0.001}, rate_span_s=3_600, poll_s=0.02)
        return [alerts, FusedEmail(config.email, outbox)]

    return fused_publisher(fuse, channels)


async def history(seeded: SeededEvents) -> None:
    """Payouts, and a worker that is off."""
    miner = await seeded.add_miner("acme")
    for address in ADDRESSES:
        (row,) = await seeded.run("insert into users (email) values (%s) returning uid", address)
        await seeded.run("insert into roles values (%s, %s, 'owner')", miner, row["uid"])
        await seeded.run(
            "insert into notification_preferences"
            " values (%s, 'email', 'worker-status-changed', true)",
            row["uid"],
        )
    for number in range(PAYOUTS):
        fields = PAYOUT | {"amount": f"0.{number}"}
        await seeded.run(
            "insert into events (event_id, kind, at, entity_id, fields)"
            " values (%s, 'payment.payout', now(), %s, %s)",
            uuid4(), miner, orjson.dumps(fields).decode(),
        )  # fmt: skip
    await seeded.change(await seeded.add_worker(miner, "rig"), "off")


async def all_sent(seeded: SeededEvents) -> bool:
    rows = await seeded.run("select count(*) from outgoing_mails where status = 'sent'")
    return bool(rows[0]["count"] == len(ADDRESSES) * (PAYOUTS + 1))


def check(server: MailServer, *, kills: int) -> int:
    """Each mail to each address once, and at most one more a kill. How many came again."""
    found = Counter(mail["Message-ID"] for mail in server.accepted)
    assert len(found) == len(ADDRESSES) * (PAYOUTS + 1)
    again = sum(found.values()) - len(found)
    assert again <= kills
    for address in ADDRESSES:
        amounts = [
            line.removeprefix("Amount: ")
            for mail in server.mails_to(address)
            for line in text_of(mail).splitlines()
            if line.startswith("Amount: ")
        ]
        assert list(dict.fromkeys(amounts)) == [f"0.{number} BTC" for number in range(PAYOUTS)]
    return again


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content


@pytest.mark.timeout(900)
async def test_killed_at_every_step_every_mail_arrives(database_url: str) -> None:
    """Kill at step 0, 1, 2 ... of one history until a run gets through; check after each kill."""
    async with seeded_events(database_url) as seeded:
        kills = repeats = 0
        while (again := await _survives_kill_at(seeded, kills)) is not None:
            kills, repeats = kills + 1, repeats + again
        # Numbered and fanned out, three mails with two steps each and three of their notes.
        assert kills > 20
        # The gap that cannot be closed was met, or the fuse does not burn where it should.
        assert repeats > 0


async def _survives_kill_at(seeded: SeededEvents, steps: int) -> int | None:
    """How many mails came again; None when the publisher was done before the kill."""
    for table in (
        "outgoing_mails", "alert_lines", "alerts", "events", "publisher_cursors",
        "worker_statuses", "workers", "roles", "miners", "notification_preferences", "users",
    ):  # fmt: skip
        await seeded.run(f"delete from {table}")
    await seeded.run("update event_sequence set newest = 0")
    await seeded.run("update publisher set renewed_at = '-infinity'")
    await history(SeededEvents(seeded.pool, seeded.of_publisher))
    stop = asyncio.Event()
    async with mail_server() as server:
        killed = fused(Fuse(steps))(config_of(server), seeded.of_publisher)
        running = asyncio.create_task(killed.run(stop))
        done = asyncio.create_task(until(lambda: all_sent(seeded)))
        await asyncio.wait((running, done), return_when=asyncio.FIRST_COMPLETED)
        if done.done() and not running.done():
            stop.set()
            # It may still be killed while it idles.
            await asyncio.gather(running, return_exceptions=True)
            check(server, kills=0)
            return None
        done.cancel()
        with pytest.raises(KilledError):
            await running
        async with publishing(seeded, config_of(server), kind=fused(Fuse(10**9))):
            await until(lambda: all_sent(seeded))
        return check(server, kills=1)
