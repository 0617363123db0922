"""A changed wallet reaches those who keep its accounts, by webhook, mail and chat, once each."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from aggregator.notify.publisher import Publisher, configured_channels
from tests.fixtures.until import until
from tests.integration.api.money.conftest import MoneyApi
from tests.integration.api.money.notice_receivers import (
    Receivers,
    add_person,
    all_sent,
    events,
    prefer,
    receivers,
    text_of,
)
from tests.integration.api.money.test_wallets import FIRST, SECOND, put_in_force, wallet_of
from tests.integration.notify.killed_publisher import Fuse, KilledError, fused_publisher
from tests.integration.notify.seeded_events import SeededEvents, publishing
from tests.integration.notify.webhooks.receiver import SECRET

ADA, ADAS_CHAT = "ada@example.com", 4711
VIEWERS_CHAT, OTHERS_CHAT = 4712, 4713


async def change_address(api: MoneyApi, owner: int, address: str) -> None:
    path = await wallet_of(api, owner) + "/addresses"
    answer = await api.call("POST", path, json={"address": address})
    assert answer.status_code == 200, answer.text


async def change_minimum(api: MoneyApi, owner: int, amount: str) -> None:
    path = await wallet_of(api, owner) + "/min-payments"
    answer = await api.call("POST", path, json={"amount": amount})
    assert answer.status_code == 200, answer.text


async def owner_with_a_webhook(api: MoneyApi, seeded: SeededEvents, received: Receivers) -> None:
    await add_person(seeded, api.tree.alpha.id, "owner", "ada", chat_id=ADAS_CHAT)
    await seeded.add_webhook(api.tree.alpha.id, received.webhook_url, SECRET)


async def test_a_new_address_reaches_who_keeps_the_accounts(
    api: MoneyApi, seeded: SeededEvents
) -> None:
    alpha, beta = api.tree.alpha.id, api.tree.beta.id
    async with receivers(ADAS_CHAT, VIEWERS_CHAT, OTHERS_CHAT) as received:
        await owner_with_a_webhook(api, seeded, received)
        quiet = await add_person(seeded, alpha, "accountant", "quiet")
        await prefer(seeded, quiet, "email", "miner-wallet-address-changed", enabled=False)
        # A viewer, another miner, the operator above: where alpha is paid to is not theirs.
        await add_person(seeded, alpha, "viewer", "eve", chat_id=VIEWERS_CHAT)
        await add_person(seeded, beta, "owner", "bob", chat_id=OTHERS_CHAT)
        await add_person(seeded, api.tree.operator.id, "owner", "op")
        await seeded.add_webhook(beta, f"{received.webhook_url}/beta", SECRET)
        async with publishing(seeded, received.config):
            await change_address(api, alpha, FIRST)
            await until(lambda: received.telegram.sent)
            await until(lambda: all_sent(seeded))
            await change_minimum(api, alpha, "0.25")
            await until(lambda: len(received.telegram.sent) > 1)
            await until(lambda: all_sent(seeded))
    address, minimum = await events(seeded)
    day = f"{address['fields']['valid_from'][:10]} 00:00 UTC"

    first, second = received.notices()
    assert {request.path for request in received.webhook.requests} == {"/"}
    assert received.webhook.ids == [str(address["event_id"]), str(minimum["event_id"])]
    assert first["miner"] == {"id": str(api.tree.alpha.uid), "account_name": "alpha"}
    assert first["type"] == "wallet.address-changed"
    assert first | address["fields"] == first
    assert (first["address"], first["currency"]) == (FIRST, "BTC")
    assert (second["type"], second["amount"]) == ("wallet.minpay-changed", "0.25000000")

    (quiet_mail,) = received.mail.mails_to("quiet@example.com")
    assert quiet_mail["Subject"] == "Minimum payout of alpha changed"
    assert sorted(set(received.mail.recipients)) == [ADA, "quiet@example.com"]
    letter, other = received.mail.mails_to(ADA)
    assert letter["Subject"] == "Payout address of alpha changed"
    assert {f"Address: {FIRST}", f"In force from: {day}"} <= set(text_of(letter).splitlines())
    assert other["Subject"] == "Minimum payout of alpha changed"
    assert "Amount: 0.25000000 BTC" in text_of(other).splitlines()

    assert received.telegram.refused == []
    assert {chat for chat, _ in received.telegram.sent} == {ADAS_CHAT}
    message, about_minimum = received.telegram.texts(ADAS_CHAT)
    assert message.splitlines()[0] == "<code>Alpha Ltd</code>"
    assert {f"Address: <code>{FIRST}</code>", f"In force from: <code>{day}</code>"} <= set(
        message.splitlines()
    )
    assert "Amount: <code>0.25000000 BTC</code>" in about_minimum.splitlines()


async def test_a_chat_hears_of_money_only_if_it_is_asked_for(
    api: MoneyApi, seeded: SeededEvents
) -> None:
    async with receivers(ADAS_CHAT) as received:
        await owner_with_a_webhook(api, seeded, received)
        await seeded.run("delete from notification_preferences")
        async with publishing(seeded, received.config):
            await change_address(api, api.tree.alpha.id, FIRST)
            await until(lambda: received.mail.accepted)
            await until(lambda: all_sent(seeded))
    assert received.telegram.sent == []


async def test_a_change_that_is_taken_back_is_notified_like_a_change(
    api: MoneyApi, seeded: SeededEvents
) -> None:
    """Or somebody could undo in silence what the owner has heard of."""
    alpha = api.tree.alpha.id
    async with receivers(ADAS_CHAT) as received:
        await owner_with_a_webhook(api, seeded, received)
        await change_address(api, alpha, FIRST)
        await change_minimum(api, alpha, "0.1")
        await put_in_force(api)
        await api.connection.execute(
            "update wallet_min_payments set valid_from = valid_from - interval '3 days'"
        )
        for address, amount in ((SECOND, "0.2"), (FIRST, "0.1"), (FIRST, "0.1")):
            await change_address(api, alpha, address)
            await change_minimum(api, alpha, amount)
        async with publishing(seeded, received.config):
            await until(lambda: len(received.webhook.requests) >= 6)
            await until(lambda: all_sent(seeded))
    notices = received.notices()
    assert [notice["address"] for notice in notices[::2]] == [FIRST, SECOND, FIRST]
    assert [notice["amount"] for notice in notices[1::2]] == [
        "0.10000000", "0.20000000", "0.10000000",
    ]  # fmt: skip
    assert notices[4]["valid_from"] < notices[2]["valid_from"]


@pytest.mark.parametrize(("kind", "title"), [("operator", "Op"), ("pool", "Pool")])
async def test_the_wallet_of_an_operator_or_a_pool_is_named_in_the_mail(
    api: MoneyApi, seeded: SeededEvents, kind: str, title: str
) -> None:
    owner = getattr(api.tree, kind).id
    async with receivers() as received:
        await add_person(seeded, owner, "owner", "ada")
        async with publishing(seeded, received.config):
            await change_address(api, owner, FIRST)
            await until(lambda: received.mail.accepted)
    (letter,) = received.mail.accepted
    assert letter["Subject"] == f"Payout address of {title} changed"
    assert f"Account: {title}" in text_of(letter).splitlines()


async def test_a_notifier_that_starts_again_repeats_and_forgets_nothing(
    api: MoneyApi, seeded: SeededEvents
) -> None:
    """The first one hands the notice to all channels, whose servers are out of order."""
    async with receivers(ADAS_CHAT) as received:
        await owner_with_a_webhook(api, seeded, received)
        await change_address(api, api.tree.alpha.id, FIRST)
        received.webhook.statuses = [503] * 1_000
        received.mail.refuse_recipient[ADA] = ["450 mailbox busy"] * 1_000
        received.telegram.refusals[ADAS_CHAT] = (500, "Internal Server Error")
        async with publishing(seeded, received.config):
            await until(lambda: received.webhook.requests)
            await until(lambda: received.mail.attempts)
            await until(lambda: received.telegram.refused)
        received.webhook.requests.clear()
        received.webhook.statuses.clear()
        received.mail.refuse_recipient.clear()
        received.telegram.refusals.clear()
        # What comes after it shows that nothing more of the first is on its way.
        for amount in ("0.1", "0.2"):
            async with publishing(seeded, received.config):
                await change_minimum(api, api.tree.alpha.id, amount)
                await until(lambda: all_sent(seeded))
    ids = [str(event["event_id"]) for event in await events(seeded)]
    assert received.webhook.ids == ids
    assert [mail["Subject"] for mail in received.mail.mails_to(ADA)] == [
        "Payout address of alpha changed",
        "Minimum payout of alpha changed",
        "Minimum payout of alpha changed",
    ]
    texts = "\n".join(received.telegram.texts(ADAS_CHAT))
    for fact in (FIRST, "0.10000000", "0.20000000"):
        assert texts.count(fact) == 1


@pytest.mark.timeout(900)
async def test_killed_at_every_step_the_notice_reaches_every_channel(
    api: MoneyApi, seeded: SeededEvents
) -> None:
    """Kill at step 0, 1, 2 ... of one notice until a run gets through. A kill may repeat a message,
    between sending it and noting that, under the same id."""
    async with receivers(ADAS_CHAT) as received:
        await owner_with_a_webhook(api, seeded, received)
        kills = 0
        while await _is_killed_at(api, seeded, received, kills):
            kills += 1
    assert kills > 10
    notices = Counter(notice["amount"] for notice in received.notices())
    mails = Counter(_amount_of(text_of(mail)) for mail in received.mail.accepted)
    chats = Counter(_amount_of(text) for text in received.telegram.texts(ADAS_CHAT))
    expected = {f"0.01{step:06}" for step in range(kills + 1)}
    for found in (notices, mails, chats):
        assert set(found) == expected
        assert set(found.values()) <= {1, 2}
        # The run that was not killed repeats nothing.
        assert found[f"0.01{kills:06}"] == 1
    assert len({mail["Message-ID"] for mail in received.mail.accepted}) == len(expected)
    assert len(set(received.webhook.ids)) == len(expected)
    assert received.telegram.refused == []


async def _is_killed_at(
    api: MoneyApi, seeded: SeededEvents, received: Receivers, steps: int
) -> bool:
    """Whether it died before the notice was sent; the next one has sent it then."""
    await seeded.run("update publisher set renewed_at = '-infinity'")
    await change_minimum(api, api.tree.alpha.id, f"0.01{steps:06}")
    stop = asyncio.Event()
    kind: type[Publisher] = fused_publisher(Fuse(steps), configured_channels)
    running = asyncio.create_task(kind(received.config, seeded.pool).run(stop))
    done = asyncio.create_task(until(lambda: all_sent(seeded)))
    await asyncio.wait((running, done), return_when=asyncio.FIRST_COMPLETED)
    if done.done() and not running.done():
        stop.set()
        # It may still be killed while it idles.
        await asyncio.gather(running, return_exceptions=True)
        return False
    done.cancel()
    with pytest.raises(KilledError):
        await running
    async with publishing(seeded, received.config):
        await until(lambda: all_sent(seeded))
    return True


def _amount_of(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("Amount: ")]
    return line.removeprefix("Amount: ").removeprefix("<code>").partition(" ")[0]
