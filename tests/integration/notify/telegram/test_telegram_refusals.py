"""What Telegram refuses concerns its own chat: limits, groups that move, chats that are gone."""

from __future__ import annotations

import pytest

from tests.fixtures.until import until
from tests.integration.notify.seeded_events import SeededEvents
from tests.integration.notify.telegram.fake_telegram import FakeTelegram
from tests.integration.notify.telegram.test_telegram import CHAT, add_user, notifying

OTHER, NEW = CHAT + 1, -100_4711


async def miner_with_chats(seeded: SeededEvents, *chats: int) -> int:
    miner = await seeded.add_miner("acme")
    for chat_id in chats:
        await add_user(seeded, miner, chat_id=chat_id)
    return miner


async def test_busy_chat_holds_up_no_other(seeded: SeededEvents) -> None:
    telegram = FakeTelegram(CHAT, OTHER)
    telegram.busy[CHAT] = 10_072
    miner = await miner_with_chats(seeded, CHAT, OTHER)
    async with notifying(seeded, telegram):
        for name in ("rig1", "rig2"):
            await seeded.change(await seeded.add_worker(miner, name), "off")
            await until(lambda name=name: name in "".join(telegram.texts(OTHER)))  # type: ignore[misc]
    # Asked once and then left alone.
    assert len(telegram.refused) == 1
    waiting = "select 1 from alert_lines join telegram_chats using (user_uid) where chat_id = %s"
    assert len(await seeded.run(waiting, CHAT)) == 2


async def test_limit_of_the_bot_holds_up_all_chats(seeded: SeededEvents) -> None:
    chats = range(CHAT, CHAT + 8)
    telegram = FakeTelegram(*chats)
    telegram.busy = dict.fromkeys(chats, 3_600)
    miner = await miner_with_chats(seeded, *chats)
    async with notifying(seeded, telegram):
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: len(telegram.refused) == 3)
    assert len(telegram.refused) == 3
    assert telegram.sent == []


@pytest.mark.parametrize("by_message", [True, False], ids=["as a message", "as an error"])
async def test_group_that_became_a_supergroup_is_followed(
    seeded: SeededEvents, *, by_message: bool
) -> None:
    telegram = FakeTelegram(CHAT, NEW)
    miner = await miner_with_chats(seeded, CHAT)
    async with notifying(seeded, telegram):
        if by_message:
            telegram.migrate(CHAT, NEW)
            await until(lambda: _moved(seeded))
        else:
            telegram.moved[CHAT] = NEW
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: telegram.texts(NEW))
    assert await _moved(seeded)
    assert len(telegram.refused) == (0 if by_message else 1)


@pytest.mark.parametrize("by_message", [True, False], ids=["as a message", "as an error"])
async def test_group_that_moves_to_a_chat_that_is_connected_already_ends_nothing(
    seeded: SeededEvents, *, by_message: bool
) -> None:
    """Somebody connected the supergroup before the bot hears that the group became it."""
    telegram = FakeTelegram(CHAT, OTHER, NEW)
    miner = await miner_with_chats(seeded, CHAT, NEW, OTHER)
    rig = await seeded.add_worker(miner, "rig")
    async with notifying(seeded, telegram):
        if by_message:
            telegram.migrate(CHAT, NEW)
        else:
            telegram.moved[CHAT] = NEW
        await seeded.change(rig, "off")
        await until(lambda: telegram.texts(NEW) and telegram.texts(OTHER))
        await until(lambda: _chats(seeded, {NEW, OTHER}))


async def _chats(seeded: SeededEvents, expected: set[int]) -> bool:
    rows = await seeded.run("select chat_id from telegram_chats")
    return {row["chat_id"] for row in rows} == expected and len(rows) == len(expected)


async def _moved(seeded: SeededEvents) -> bool:
    return await seeded.run("select chat_id from telegram_chats") == [{"chat_id": NEW}]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (403, "Forbidden: user is deactivated"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: group chat was deactivated"),
        (400, "Bad Request: PEER_ID_INVALID"),
    ],
)
async def test_permanent_refusal_ends_the_connection_and_keeps_the_reason(
    seeded: SeededEvents, code: int, words: str
) -> None:
    telegram = FakeTelegram(CHAT, OTHER)
    telegram.refusals[CHAT] = code, words
    miner = await miner_with_chats(seeded, CHAT, OTHER)
    async with notifying(seeded, telegram):
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: seeded.run("select 1 from telegram_disconnections"))
        await until(lambda: telegram.texts(OTHER))
    assert await seeded.run("select reason from telegram_disconnections") == [{"reason": words}]
    assert await seeded.run("select chat_id from telegram_chats") == [{"chat_id": OTHER}]


async def test_bot_is_known_by_the_name_it_has(seeded: SeededEvents) -> None:
    async with notifying(seeded, FakeTelegram(CHAT)):
        await until(lambda: seeded.run("select 1 from telegram_updates where username is not null"))
    (bot,) = await seeded.run("select username, first_name from telegram_updates")
    assert bot == {"username": "fake_bot", "first_name": "Fake"}


async def test_what_waited_through_an_outage_of_ours_is_tried_before_it_is_dropped(
    seeded: SeededEvents,
) -> None:
    """Two days in which no publisher ran. What was tried in vain for so long is dropped."""
    miner = await miner_with_chats(seeded, CHAT, OTHER)
    telegram = FakeTelegram(CHAT, OTHER)
    telegram.busy[OTHER] = 3_600
    async with notifying(seeded, telegram, fold_s=3_600):
        await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await until(lambda: seeded.run("select 1 from alert_lines"))
    await seeded.run(
        "update alert_lines set due_at = now(), created_at = now() - interval '2 days',"
        " attempts = case when telegram_chats.chat_id = %s then 0 else 3 end"
        " from telegram_chats where telegram_chats.user_uid = alert_lines.user_uid returning 1",
        CHAT,
    )
    async with notifying(seeded, telegram):
        await until(lambda: telegram.texts(CHAT))
        await until(lambda: _nothing_waits(seeded))
    assert "rig" in "".join(telegram.texts(CHAT))
    assert telegram.texts(OTHER) == []


async def _nothing_waits(seeded: SeededEvents) -> bool:
    return not await seeded.run("select 1 from alert_lines")
