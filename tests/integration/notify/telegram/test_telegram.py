"""Telegram: connected by a code, folded per miner and minute, polite to the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from aggregator.notify.alerts.channel import AlertChannel
from aggregator.notify.channel import Channel
from aggregator.notify.config import NotifyConfig, TelegramConfig
from aggregator.notify.outbox import Outbox
from aggregator.notify.telegram.channel import TelegramChannel
from tests.fixtures.http_server import http_server
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.telegram.fake_telegram import TOKEN, FakeTelegram

CHAT = 4711


@asynccontextmanager
async def notifying(
    seeded: SeededEvents,
    telegram: FakeTelegram,
    *,
    token: str = TOKEN,
    rate_span_s: int = 3_600,
    fold_s: float = 0.01,
) -> AsyncIterator[None]:
    """A publisher with Telegram. Lines are due at once, unless `fold_s` is longer."""
    async with http_server(telegram) as url:
        config = NotifyConfig(
            poll_s=0.05,
            retry_s=0.1,
            rate_span_s=rate_span_s,
            telegram=TelegramConfig(
                token,
                base_url=url,
                poll_s=0.1,
                long_poll_s=1,
                retry_s=0.05,
                messages_per_s=100,
                fold_s=fold_s,
            ),
        )

        def channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
            assert config.telegram is not None
            alerts = AlertChannel(
                outbox, people={"telegram": fold_s}, rate_span_s=rate_span_s, poll_s=0.05
            )
            return [alerts, TelegramChannel(config.telegram, outbox)]

        async with publishing(seeded, config, channels=channels):
            yield


async def add_user(
    seeded: SeededEvents, miner_id: int, *, chat_id: int | None = CHAT, wants: bool = True
) -> UUID:
    rows = await seeded.run("insert into users default values returning uid")
    uid: UUID = rows[0]["uid"]
    await seeded.run("insert into roles values (%s, %s, 'viewer')", miner_id, uid)
    await seeded.run("insert into roles values (%s, %s, 'accountant')", miner_id, uid)
    await seeded.run(
        "insert into notification_preferences values (%s, 'telegram', 'worker-status-changed', %s)",
        uid,
        wants,
    )
    if chat_id is not None:
        await seeded.run(
            "insert into telegram_chats (user_uid, chat_id, chat_user, connected_at)"
            " values (%s, %s, '{}', now() - interval '1 minute')",
            uid,
            chat_id,
        )
    return uid


async def test_changes_of_a_miner_are_one_message_for_who_wants_it(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT, CHAT + 1)
    miner = await seeded.add_miner("a<b>&co")
    workers = [await seeded.add_worker(miner, f"rig<{i}>") for i in range(30)]
    await add_user(seeded, miner)
    await add_user(seeded, miner, chat_id=CHAT + 1, wants=False)
    for worker in workers:
        await seeded.change(worker, "unavailable")
    await seeded.change(workers[0], "stable", cause="share")
    async with notifying(seeded, telegram):
        await until(lambda: telegram.sent)
    assert telegram.refused == []
    assert telegram.texts(CHAT + 1) == []
    (text,) = telegram.texts(CHAT)
    assert text.startswith("<code>a&lt;b&gt;&amp;co</code>\n")
    assert "unavailable: <code>rig&lt;1&gt;</code>, " in text
    assert text.count("and 9 more") == 1
    assert "stable: <code>rig&lt;0&gt;</code>" in text


async def test_longest_names_still_fit(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    miner = await seeded.add_miner("acme")
    await add_user(seeded, miner)
    for i in range(40):
        await seeded.change(await seeded.add_worker(miner, f"{i:02}" + '"' * 62), "off")
    async with notifying(seeded, telegram):
        await until(lambda: telegram.sent)
    assert telegram.refused == []


async def test_silent_source_is_one_line(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    miner, source = await seeded.add_miner("acme"), await seeded.add_source("eu1")
    workers = [await seeded.add_worker(miner, f"rig{i}", source_id=source) for i in range(12)]
    await add_user(seeded, miner)
    await seeded.source_event(source, "source-silent", workers=500)
    for worker in workers:
        await seeded.change(worker, "unavailable", cause="source_silent", source=source)
    async with notifying(seeded, telegram):
        await until(lambda: telegram.sent)
        await seeded.source_event(source, "source-back", workers=500)
        await until(lambda: len(telegram.sent) == 2)
    silent, back = telegram.texts(CHAT)
    assert "server <code>eu1</code> is silent (12 workers)" in silent
    assert "rig" not in silent
    assert "server <code>eu1</code> is back" in back


@pytest.mark.parametrize(("rate_span_s", "workers"), [(600, 2), (3_600, 3)])
async def test_silent_source_concerns_whom_the_leader_counts(
    seeded: SeededEvents, rate_span_s: int, workers: int
) -> None:
    """One worker of each miner had been silent for half an hour by then."""
    telegram = FakeTelegram(CHAT, CHAT + 1)
    source = await seeded.add_source("eu1")
    for name, chat_id, active in (("acme", CHAT, 2), ("idle", CHAT + 1, 0)):
        miner = await seeded.add_miner(name)
        for rig in range(active):
            await seeded.add_worker(miner, f"rig{rig}", source_id=source)
        await add_user(seeded, miner, chat_id=chat_id)
        await seeded.fall_silent(
            await seeded.add_worker(miner, "old", source_id=source), minutes=30
        )
    everybody = 2 if rate_span_s > 1_800 else 1
    async with notifying(seeded, telegram, rate_span_s=rate_span_s):
        await seeded.source_event(source, "source-silent", workers=500)
        await until(lambda: len(telegram.sent) == everybody)
        await seeded.source_event(source, "source-back", workers=500)
        await until(lambda: len(telegram.texts(CHAT)) == 2)
        await until(lambda: len(telegram.sent) == 2 * everybody)
    silent, _ = telegram.texts(CHAT)
    assert f"server <code>eu1</code> is silent ({workers} workers)" in silent
    assert len(telegram.texts(CHAT + 1)) == 2 * (everybody - 1)


async def test_too_many_requests_are_waited_out(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    telegram.retry_after = [1]
    miner = await seeded.add_miner("acme")
    await add_user(seeded, miner)
    await seeded.change(await seeded.add_worker(miner, "rig"), "off")
    async with notifying(seeded, telegram):
        await until(lambda: telegram.sent)
    assert [refusal["error_code"] for refusal in telegram.refused] == [429]


async def test_blocked_bot_disconnects_the_chat(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    telegram.blocked.add(CHAT)
    miner = await seeded.add_miner("acme")
    await add_user(seeded, miner)
    await seeded.change(await seeded.add_worker(miner, "rig"), "off")
    async with notifying(seeded, telegram):
        await until(lambda: _gone(seeded, "telegram_chats"))
        await until(lambda: _gone(seeded, "alert_lines"))
    assert len(telegram.refused) == 1


async def _gone(seeded: SeededEvents, table: str) -> bool:
    return not await seeded.run(f"select 1 from {table}")


async def _waiting(seeded: SeededEvents, count: int) -> bool:
    return len(await seeded.alerts("waiting")) == count


async def _lines(seeded: SeededEvents, count: int) -> bool:
    return len(await seeded.run("select 1 from alert_lines")) == count


async def test_return_within_the_delay_is_not_sent(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    miner = await seeded.add_miner("patient", alert_delay_s=3_600)
    await add_user(seeded, miner)
    worker, other = [await seeded.add_worker(miner, name) for name in ("flapping", "dead")]
    await seeded.change(worker, "unavailable")
    await seeded.change(worker, "stable", cause="share")
    await seeded.change(other, "removed", cause="removed_by_hand")
    async with notifying(seeded, telegram):
        await until(lambda: telegram.sent)
    assert ["flapping" in text for text in telegram.texts(CHAT)] == [False]


async def test_return_while_muted_ends_the_alert_all_the_same(seeded: SeededEvents) -> None:
    miner, source = (
        await seeded.add_miner("patient", alert_delay_s=3_600),
        await seeded.add_source("eu1"),
    )
    worker = await seeded.add_worker(miner, "rig", source_id=source)
    await add_user(seeded, miner)
    async with notifying(seeded, FakeTelegram(CHAT)):
        await seeded.change(worker, "unavailable")
        await seeded.source_event(source, "source-silent", workers=1)
        await until(lambda: _waiting(seeded, 2))
        await seeded.run("update miners set muted_until = now() + interval '1 hour'")
        await seeded.change(worker, "stable", cause="share")
        await seeded.source_event(source, "source-back", workers=1)
        await until(lambda: _waiting(seeded, 0))
    assert await _lines(seeded, 0)


async def test_return_that_is_about_to_be_sent_is_not_taken_back(seeded: SeededEvents) -> None:
    """Nor is the next one sent, which ends an alert that nobody has had."""
    miner = await seeded.add_miner("patient", alert_delay_s=3_600)
    worker = await seeded.add_worker(miner, "rig")
    await add_user(seeded, miner)
    async with notifying(seeded, FakeTelegram(CHAT), fold_s=120):
        back = await seeded.change(worker, "stable", cause="share")
        await until(lambda: _lines(seeded, 1))
        await seeded.change(worker, "unavailable")
        await until(lambda: _waiting(seeded, 1))
        await seeded.change(worker, "stable", cause="share")
        await until(lambda: _waiting(seeded, 0))
    assert await seeded.run("select event_id from alert_lines") == [{"event_id": back}]


async def test_start_with_an_invite_connects_the_chat_once(seeded: SeededEvents) -> None:
    telegram = FakeTelegram()
    miner = await seeded.add_miner("acme")
    user = await add_user(seeded, miner, chat_id=None)
    await seeded.run(
        "insert into telegram_invites (digest, code, user_uid, valid_until) values"
        " (sha256('good'), 'sealed', %s, now() + interval '1 hour'),"
        " (sha256('old'), 'sealed', %s, now() - interval '1 hour')",
        user,
        user,
    )
    telegram.write(CHAT + 1, "/start old")
    telegram.write(CHAT, "/start good")
    telegram.write(CHAT + 2, "/start good")
    async with notifying(seeded, telegram):
        await until(lambda: len(telegram.sent) == 3)
        (chat,) = await seeded.run("select user_uid, chat_id, chat_user from telegram_chats")
        assert (chat["user_uid"], chat["chat_id"]) == (user, CHAT)
        assert chat["chat_user"]["first_name"] == "Ada"
        assert [text.split(".")[0] for _, text in telegram.sent] == [
            "This code is unknown, used or out of date",
            "Connected",
            "This code is unknown, used or out of date",
        ]
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: len(telegram.texts(CHAT)) == 2)
        telegram.write(CHAT, "/stop")
        await until(lambda: _gone(seeded, "telegram_chats"))


@pytest.mark.parametrize("text", ["/start a\x00b", "/start \ud800", "/stop\x00"])
async def test_text_that_no_database_holds_is_passed_over(seeded: SeededEvents, text: str) -> None:
    telegram = FakeTelegram()
    miner = await seeded.add_miner("acme")
    user = await add_user(seeded, miner, chat_id=None)
    await seeded.run(
        "insert into telegram_invites (digest, code, user_uid, valid_until)"
        " values (sha256('good'), 'sealed', %s, now() + interval '1 hour')",
        user,
    )
    telegram.write(CHAT + 1, text)
    telegram.write(CHAT, "/start good")
    async with notifying(seeded, telegram):
        await until(lambda: telegram.texts(CHAT))
    assert len(await seeded.run("select 1 from telegram_chats")) == 1


async def test_refused_poll_is_tried_again(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    telegram.forbidden_polls = 2
    telegram.write(CHAT, "/stop")
    async with notifying(seeded, telegram):
        await until(lambda: telegram.texts(CHAT))
    assert telegram.forbidden_polls == 0


async def test_wrong_token_loses_nothing(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT)
    miner = await seeded.add_miner("acme")
    await add_user(seeded, miner)
    await seeded.change(await seeded.add_worker(miner, "rig"), "off")
    async with notifying(seeded, telegram, token="1:wrong"):
        await until(lambda: telegram.refused)
    assert telegram.sent == []
    async with notifying(seeded, telegram):
        await until(lambda: telegram.sent)


def test_config_shows_its_token_nowhere() -> None:
    config = TelegramConfig("1:secret")
    assert "secret" not in repr(config)
    assert replace(config, poll_s=2).token == "1:secret"
