"""Profit sharing and referrals over HTTP."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat() + "T00:00:00Z"
BETWEEN = "/miners/{alpha}/profit-sharings/{beta}"
ACTIVE = "/miners/{alpha}/profit-sharings"


async def begin_yesterday(api) -> None:
    await api.connection.execute("update profit_sharings set valid_from = valid_from - 2")


async def test_a_sharing_begins_and_ends_at_midnight(api):
    body = {"rate": 0.009, "type": "profit_sharing"}
    made = await api.call("POST", BETWEEN, json=body)
    assert (made.status_code, made.content) == (204, b"")
    coming = (await api.get(BETWEEN))["data"][0]
    assert coming == {
        "rate": 0.009,
        "type": "profit_sharing",
        "recipient": {"id": str(api.tree.beta.uid), "account_name": "beta"},
        "valid_from": TOMORROW,
        "valid_until": None,
    }
    assert await api.get(ACTIVE) == {"data": []}
    await begin_yesterday(api)
    assert len((await api.get(ACTIVE))["data"]) == 1
    again = await api.call("POST", BETWEEN, json={"rate": "0.5", "type": "referral"})
    assert again.status_code == 204
    newest, oldest = (await api.get(BETWEEN))["data"]
    assert (newest["rate"], newest["valid_until"]) == (0.5, None)
    assert (oldest["rate"], oldest["valid_until"]) == (0.009, TOMORROW)
    gone = await api.call("DELETE", BETWEEN)
    assert gone.status_code == 204
    history = await api.get(BETWEEN)
    assert history["pagination"]["total_count"] == 1
    assert (await api.call("DELETE", BETWEEN)).status_code == 404


async def test_a_donor_shares_at_most_its_whole_reward(api):
    made = await api.call("POST", "/miners", json={"account_name": "third"})
    third = f"/miners/{{alpha}}/profit-sharings/{made.json()['id']}"
    await api.call("POST", BETWEEN, json={"rate": 0.7, "type": "profit_sharing"})
    refused = await api.call("POST", third, json={"rate": 0.300001, "type": "profit_sharing"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert (await api.get(third))["data"] == []
    both = await asyncio.gather(
        api.call("POST", third, json={"rate": 0.3, "type": "profit_sharing"}),
        api.call("POST", BETWEEN, json={"rate": 0.8, "type": "profit_sharing"}),
    )
    assert sorted(answer.status_code for answer in both) == [204, 409]
    shared = await api.connection.fetchval(
        "select sum(rate) from profit_sharings where valid_until is null"
    )
    assert shared <= 1


async def test_what_is_no_sharing_is_named(api):
    for body, field in [
        ({"rate": 1.1, "type": "profit_sharing"}, "rate"),
        ({"rate": "x", "type": "profit_sharing"}, "rate"),
        ({"rate": 0.1, "type": "gift"}, "type"),
        ({"rate": 0.1}, "type"),
    ]:
        status, message = await api.refusal("POST", BETWEEN, body)
        assert (status, field in message) == (400, True)
    own = "/miners/{alpha}/profit-sharings/{alpha}"
    status, _ = await api.refusal("POST", own, {"rate": 0.1, "type": "profit_sharing"})
    assert status == 400


async def test_a_code_is_made_once_and_refers_who_registers_with_it(api):
    codes = await api.get("/miners/{alpha}/referrer-codes")
    (code,) = codes["data"]
    assert re.fullmatch(r"hfrc_[A-Z0-9]{8}", code["code"])
    assert code["pool_flat_rate"] == 0.009
    assert code["policy"] == {
        "pool_rate_multiplier": "0.9",
        "referrer_reward_multiplier": "0.1",
    }
    assert await api.get("/miners/{alpha}/referrer-codes") == codes
    body = {"account_name": "friend", "referrer_code": code["code"]}
    made = await api.call("POST", "/miners", json=body)
    assert made.status_code == 200, made.text
    listed = await api.get("/miners/{alpha}/referrals")
    (referral,) = listed["data"]
    assert referral["id"] == made.json()["id"]
    assert referral["rate"] == "0.0009"
    assert referral["hashrate"] == {"day": "0.00", "week": "0.00", "month": "0.00"}
    assert (await api.get("/miners/{beta}/referrals"))["data"] == []


async def test_a_code_of_nobody_makes_no_miner(api):
    body = {"account_name": "friend", "referrer_code": "hfrc_AAAAAAAA"}
    status, message = await api.refusal("POST", "/miners", body)
    assert (status, message) == (400, "body referrer_code: no such code")
    status, _ = await api.refusal("POST", "/miners", body | {"referrer_code": "nonsense"})
    assert status == 400
    made = await api.connection.fetchval("select count(*) from miners where account_name='friend'")
    assert made == 0
