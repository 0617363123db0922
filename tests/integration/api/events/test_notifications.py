"""Switches of a user, the Telegram bot and its refusals, and the test of a webhook."""

from __future__ import annotations

from uuid import UUID

import pytest

from aggregator.notify.config import NotifyConfig, WebhookConfig
from aggregator.notify.publisher import Publisher
from query_api.config import AccessConfig
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.api.client import BASE, api_client, api_config
from tests.integration.notify.seeded_events import SeededEvents, publishing

KEY = {"X-Headframe-API-Key": "k" * 32}
WEBHOOKS = WebhookConfig(allow_private=True, poll_s=0.05)


@pytest.fixture
async def user(seeded: SeededEvents) -> UUID:
    (row,) = await seeded.run("insert into users default values returning uid")
    found: UUID = row["uid"]
    return found


@pytest.fixture
async def client(database_url: str):
    access = AccessConfig(internal_api_key=KEY["X-Headframe-API-Key"])
    async with api_client(api_config(database_url, access=access)) as opened:
        yield opened


async def test_all_keys_of_the_document_are_there_and_any_subset_changes(client, user) -> None:
    address = f"{BASE}/users/{user}/notifications"
    before = (await client.get(address, headers=KEY)).json()
    assert before["telegram"].pop("worker-status-changed") == {"enabled": False, "readonly": False}
    # Beside the document: whoever wants it reads of money in a chat.
    assert set(before["telegram"]) == {
        "delete-miner", "miner-payout", "miner-reward", "miner-wallet-address-changed",
        "miner-wallet-minpay-changed",
    }  # fmt: skip
    assert not any(switch["enabled"] for switch in before["telegram"].values())
    assert set(before["email"]) >= {
        "delete-miner", "miner-payout", "miner-reward", "miner-wallet-address-changed",
        "miner-wallet-minpay-changed", "user-login",
    }  # fmt: skip
    assert before["email"]["miner-payout"] == {"enabled": True, "readonly": False}
    changes = {
        "email": {"miner-payout": {"enabled": False}},
        "telegram": {"worker-status-changed": {"enabled": True}},
    }
    for method in ("PATCH", "PUT"):
        answer = await client.request(method, address, json=changes, headers=KEY)
        assert answer.status_code == 200
        after = answer.json()
        assert not after["email"]["miner-payout"]["enabled"]
        assert after["email"]["miner-reward"] == before["email"]["miner-reward"]
        assert after["telegram"]["worker-status-changed"]["enabled"]


async def test_unknown_key_is_named_and_changes_nothing(client, user) -> None:
    address = f"{BASE}/users/{user}/notifications"
    body = {"email": {"miner-payout": {"enabled": False}, "miner-pyaout": {"enabled": True}}}
    answer = await client.patch(address, json=body, headers=KEY)
    assert answer.status_code == 400
    assert "miner-pyaout" in answer.json()["error"]["message"]
    assert (await client.get(address, headers=KEY)).json()["email"]["miner-payout"]["enabled"]


async def test_invite_is_refused_until_a_bot_is_set_up(client, user, seeded) -> None:
    address = f"{BASE}/users/{user}/telegram/invite"
    assert (await client.post(address, headers=KEY)).status_code == 409
    await seeded.run("update telegram_updates set username = 'acme_bot', first_name = 'Acme'")
    made = await client.post(address, headers=KEY)
    assert made.json()["bot"] == {"username": "acme_bot", "first_name": "Acme"}
    code = made.json()["invite"]["code"]
    assert len(code) == 24
    assert code.isascii()
    assert code.isalnum()


async def test_chat_that_refuses_the_bot_says_why(client, user, seeded) -> None:
    reason = "Forbidden: bot was kicked from the group chat"
    await seeded.run("insert into telegram_disconnections values (%s, %s)", user, reason)
    answer = await client.get(f"{BASE}/users/{user}/telegram/chat", headers=KEY)
    assert answer.status_code == 404
    assert reason in answer.json()["error"]["message"]


async def test_test_of_a_webhook_reaches_it_alone(client, seeded) -> None:
    got: list[str] = []

    async def receiver(request: HttpRequest) -> HttpAnswer:
        got.append(request.path)
        return HttpAnswer()

    miner = await seeded.add_miner("acme")
    (row,) = await seeded.run("select uid from miners where id = %s", miner)
    async with http_server(receiver) as url:
        webhook = await seeded.add_webhook(miner, f"{url}/tried", "whsec_" + "eA==" * 8)
        await seeded.add_webhook(miner, f"{url}/other", "whsec_" + "eA==" * 8)
        address = f"{BASE}/miners/{row['uid']}/webhooks/{webhook}"
        config = NotifyConfig(poll_s=0.05, webhooks=WEBHOOKS)
        async with publishing(seeded, config, kind=Publisher):
            made = await client.post(f"{address}/test", headers=KEY)
            assert made.status_code == 200, made.text
            await until(lambda: got)
            delivered = await until(lambda: _delivered(client, address))
    assert got == ["/tried"]
    assert [item["event_id"] for item in delivered] == [made.json()["event_id"]]


async def _delivered(client, address: str) -> list[dict[str, object]]:
    answer = await client.get(f"{address}/deliveries?status=delivered", headers=KEY)
    return answer.json()["data"]


async def test_webhook_that_is_off_cannot_be_tried(client, seeded) -> None:
    miner = await seeded.add_miner("acme")
    (row,) = await seeded.run("select uid from miners where id = %s", miner)
    webhook = await seeded.add_webhook(miner, "https://203.0.113.1/", "whsec_eA==")
    await seeded.run("update webhooks set enabled = false")
    address = f"{BASE}/miners/{row['uid']}/webhooks/{webhook}/test"
    assert (await client.post(address, headers=KEY)).status_code == 409
