"""The publisher killed between any two steps of Telegram: every line is sent, none is forgotten.

A chat has no ids that show a repeat. So a kill may repeat one message, that between sending it and
noting that, and nothing else.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

import pytest

from aggregator.notify.alerts.channel import AlertChannel
from aggregator.notify.channel import Channel
from aggregator.notify.config import NotifyConfig, TelegramConfig
from aggregator.notify.outbox import Outbox
from aggregator.notify.publisher import Publisher
from aggregator.notify.telegram.api import TelegramBot
from aggregator.notify.telegram.channel import TelegramChannel
from tests.fixtures.http_server import http_server
from tests.fixtures.until import until
from tests.integration.notify.killed_publisher import LEASE_S, Fuse, KilledError, fused_publisher
from tests.integration.notify.seeded_events import SeededEvents, publishing, seeded_events
from tests.integration.notify.telegram.fake_telegram import TOKEN, FakeTelegram

CHATS = (4711, 4712)
EVENTS = 6


def config_of(url: str) -> NotifyConfig:
    return NotifyConfig(
        lease_s=LEASE_S, renew_s=0.05, standby_poll_s=0.02, poll_s=0.02, retry_s=0.05, batch=4,
        telegram=TelegramConfig(
            TOKEN, base_url=url, poll_s=0.02, long_poll_s=1, retry_s=0.05, messages_per_s=1_000
        ),
    )  # fmt: skip


class FusedBot(TelegramBot):
    """A step before a message and one after it."""

    def __init__(self, config: TelegramConfig, fuse: Fuse) -> None:
        super().__init__(config)
        self._fuse = fuse

    async def send_message(self, chat_id: int, text: str) -> None:
        self._fuse.step()
        await super().send_message(chat_id, text)
        self._fuse.step()


def fused(fuse: Fuse) -> type[Publisher]:
    class FusedTelegram(TelegramChannel):
        def new_bot(self) -> TelegramBot:
            return FusedBot(self._config, fuse)

    def channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
        assert config.telegram is not None
        alerts = AlertChannel(outbox, people={"telegram": 0.001}, rate_span_s=3_600, poll_s=0.02)
        return [alerts, FusedTelegram(config.telegram, outbox)]

    return fused_publisher(fuse, channels)


async def history(seeded: SeededEvents) -> None:
    """One event each of workers with different names, for two users."""
    miner = await seeded.add_miner("acme")
    for chat_id in CHATS:
        user = (await seeded.run("insert into users default values returning uid"))[0]["uid"]
        await seeded.run("insert into roles values (%s, %s, 'viewer')", miner, user)
        await seeded.run(
            "insert into notification_preferences"
            " values (%s, 'telegram', 'worker-status-changed', true)",
            user,
        )
        await seeded.run(
            "insert into telegram_chats (user_uid, chat_id, chat_user, connected_at)"
            " values (%s, %s, '{}', now() - interval '1 minute')",
            user,
            chat_id,
        )
    for number in range(EVENTS):
        await seeded.change(await seeded.add_worker(miner, f"rig{number}"), "off")


async def all_sent(seeded: SeededEvents) -> bool:
    rows = await seeded.run(
        "select (select sequence from publisher_cursors where channel = 'alerts') as taken,"
        " (select count(*) from alert_lines) as waiting"
    )
    return bool(rows[0]["taken"] == EVENTS and not rows[0]["waiting"])


def check(telegram: FakeTelegram, *, kills: int) -> int:
    """Each event in each chat, and one message a kill at most again. How many that were."""
    assert telegram.refused == []
    again = 0
    for chat_id in CHATS:
        messages = [frozenset(re.findall(r"rig\d", text)) for text in telegram.texts(chat_id)]
        found = Counter(name for message in messages for name in message)
        assert set(found) == {f"rig{number}" for number in range(EVENTS)}
        twice = {name for name, count in found.items() if count > 1}
        # What is sent again is one message whole.
        assert not twice or twice in messages
        again += bool(twice)
    assert again <= kills
    return again


async def test_killed_at_every_step_every_line_is_notified(database_url: str) -> None:
    """Kill at step 0, 1, 2 ... of one history until a run gets through; check after each kill."""
    async with seeded_events(database_url) as seeded:
        kills = repeats = 0
        while (again := await _survives_kill_at(seeded, kills)) is not None:
            kills, repeats = kills + 1, repeats + again
        # Numbered and taken in two batches, two chats with a message or two each.
        assert kills > 20
        # The gap that cannot be closed was met, or the fuse does not burn where it should.
        assert repeats > 0


async def _survives_kill_at(seeded: SeededEvents, steps: int) -> int | None:
    """How many messages were sent again; None when the publisher was done before the kill."""
    for table in (
        "alert_lines", "alerts", "events", "publisher_cursors", "worker_statuses", "workers",
        "roles", "miners", "telegram_chats", "notification_preferences", "users",
    ):  # fmt: skip
        await seeded.run(f"delete from {table}")
    await seeded.run("update event_sequence set newest = 0")
    await seeded.run("update publisher set renewed_at = '-infinity'")
    await history(SeededEvents(seeded.pool, seeded.of_publisher))
    telegram, stop = FakeTelegram(*CHATS), asyncio.Event()
    async with http_server(telegram) as url:
        killed = fused(Fuse(steps))(config_of(url), seeded.of_publisher)
        running = asyncio.create_task(killed.run(stop))
        done = asyncio.create_task(until(lambda: all_sent(seeded)))
        await asyncio.wait((running, done), return_when=asyncio.FIRST_COMPLETED)
        if done.done() and not running.done():
            stop.set()
            # It may still be killed while it idles.
            await asyncio.gather(running, return_exceptions=True)
            check(telegram, kills=0)
            return None
        done.cancel()
        with pytest.raises(KilledError):
            await running
        async with publishing(seeded, config_of(url), kind=fused(Fuse(10**9))):
            await until(lambda: all_sent(seeded))
    return check(telegram, kills=1)
