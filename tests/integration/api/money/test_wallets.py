"""Wallets over HTTP: addresses with their waiting time, minimum payments, notices to admins."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

# Regtest addresses: P2PKH, P2WPKH (BIP 173's program), P2SH.
FIRST = "mubUpE11SXEuyM7EhSYEcnptbwvfcV72Nx"
SECOND = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
MAINNET = "3FZbgi29cpjq2GjdwV8eyHuJJnkLtktZc5"


async def wallet_of(api, owner: int) -> str:
    uid = await api.connection.fetchval("select uid from wallets where owner_id = $1", owner)
    return f"/wallets/{uid}"


@pytest.fixture
async def wallet(api) -> str:
    return await wallet_of(api, api.tree.alpha.id)


async def put_in_force(api) -> None:
    """As if the waiting time were over."""
    await api.connection.execute(
        "update wallet_addresses set valid_from = valid_from - interval '3 days'"
    )


async def test_pools_operators_and_miners_have_a_wallet_without_an_address(api):
    for owner in (api.tree.pool, api.tree.operator, api.tree.beta):
        wallet = await wallet_of(api, owner.id)
        assert await api.get(wallet + "/addresses") == {"data": []}
        assert await api.get(wallet + "/address") == {"current": None, "future": None}
        minimum = (await api.get(wallet + "/min-payment"))["current"]
        assert (minimum["amount"], minimum["currency"]) == (0.001, "BTC")


async def test_each_of_them_names_its_wallet(api):
    for path, owner in (
        ("/pools/{pool}", api.tree.pool),
        ("/operators/{operator}", api.tree.operator),
        ("/miners/{alpha}", api.tree.alpha),
    ):
        (uid,) = (await api.get(path))["wallets"]
        assert f"/wallets/{uid}" == await wallet_of(api, owner.id)
    listed = (await api.get("/pools/{pool}/miners"))["data"]
    assert len({uid for miner in listed for uid in miner["wallets"]}) == len(listed)
    (operator,) = (await api.get("/pools/{pool}/operators"))["data"]
    assert operator["wallets"] == (await api.get("/operators/{operator}"))["wallets"]


async def test_a_new_address_counts_from_a_midnight_at_least_a_day_away(api, wallet):
    before = datetime.now(UTC)
    answer = await api.call("POST", wallet + "/addresses", json={"address": FIRST})
    assert answer.status_code == 200, answer.text
    (entry,) = answer.json()["data"]
    valid_from = datetime.fromisoformat(entry["valid_from"])
    assert (valid_from.hour, valid_from.minute, valid_from.second) == (0, 0, 0)
    wait = valid_from - before
    assert timedelta(days=1) <= wait <= timedelta(days=2)
    assert entry | {"valid_from": "", "updated_at": ""} == {
        "address": FIRST,
        "currency": "BTC",
        "network": "regtest",
        "valid_from": "",
        "valid_until": None,
        "updated_at": "",
    }
    assert await api.get(wallet + "/address") == {"current": None, "future": entry}


async def test_current_and_future_and_a_change_that_is_taken_back(api, wallet):
    await api.call("POST", wallet + "/addresses", json={"address": FIRST})
    await put_in_force(api)
    put = await api.call("PUT", wallet + "/address", json={"address": SECOND})
    view = put.json()
    assert (view["current"]["address"], view["future"]["address"]) == (FIRST, SECOND)
    assert view["current"]["valid_until"] == view["future"]["valid_from"]
    listed = (await api.get(wallet + "/addresses"))["data"]
    assert [entry["address"] for entry in listed] == [SECOND, FIRST]
    back = await api.call("PUT", wallet + "/address", json={"address": FIRST})
    assert (back.json()["current"]["address"], back.json()["future"]) == (FIRST, None)
    assert back.json()["current"]["valid_until"] is None


async def test_bech32_in_capitals_is_kept_in_small_letters(api, wallet):
    await api.call("POST", wallet + "/addresses", json={"address": SECOND.upper()})
    assert (await api.get(wallet + "/addresses"))["data"][0]["address"] == SECOND


async def test_forms_are_taken_like_json(api, wallet):
    url_encoded = await api.call("POST", wallet + "/addresses", data={"address": FIRST})
    assert url_encoded.json()["data"][0]["address"] == FIRST
    multipart = await api.call("PUT", wallet + "/address", files={"address": (None, SECOND)})
    assert multipart.json()["future"]["address"] == SECOND
    amount = await api.call("POST", wallet + "/min-payments", data={"amount": "0.02"})
    assert amount.json()["data"][0]["amount"] == 0.02
    empty = await api.call("POST", wallet + "/addresses", data={"amount": "1"})
    assert empty.status_code == 400
    assert "address" in empty.json()["error"]["message"]
    broken = await api.call(
        "POST",
        wallet + "/addresses",
        content=b"nonsense",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert broken.status_code == 400


async def test_an_address_that_cannot_be_paid_to_is_named(api, wallet):
    for address, fault in [
        (MAINNET, "is not an address of regtest"),
        ("d8f7f55e689126db5521f8f725aaeba8436fcf60", "is no Bitcoin address"),
        (FIRST[:-1] + "y", "is no Bitcoin address"),
        ("bcrt1zw508d6qejxtdg4y5r3zarvaryvqyzf3du", "bech32"),
        ("", "is empty"),
        ("x" * 200, "at most 90 characters"),
        (7, "valid string"),
    ]:
        status, message = await api.refusal("POST", wallet + "/addresses", {"address": address})
        assert status == 400
        assert message.startswith("body address: ")
        assert fault in message
    assert await api.get(wallet + "/addresses") == {"data": []}


async def test_a_minimum_counts_from_the_next_midnight(api, wallet):
    answer = await api.call("POST", wallet + "/min-payments", json={"amount": 0.01})
    coming, current = answer.json()["data"]
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    assert (coming["amount"], coming["valid_from"]) == (0.01, f"{tomorrow}T00:00:00Z")
    assert (current["amount"], current["valid_until"]) == (0.001, coming["valid_from"])
    put = await api.call("PUT", wallet + "/min-payment", json={"amount": "0.12345678"})
    assert put.json()["future"]["amount"] == 0.12345678
    stored = await api.connection.fetch(
        "select amount_sat, superseded_at is null as live from wallet_min_payments order by id"
    )
    assert [(row["amount_sat"], row["live"]) for row in stored] == [
        (1_000_000, False),
        (12_345_678, True),
    ]


async def test_a_minimum_that_is_no_amount_is_named(api, wallet):
    for amount, fault in [
        (0.0009, "must be from 0.001 to 21000000"),
        ("0", "must be from 0.001 to 21000000"),
        (-1, "must not be negative"),
        ("0.123456789", "at most 8 decimals"),
        ("1e-2", "without an exponent"),
        ("NaN", "plain digits"),
        (10**12, "must be from 0.001 to 21000000"),
        ("9" * 40, "must be from 0.001 to 21000000"),
        (None, "a decimal string or a number"),
        (False, "a decimal string or a number"),
    ]:
        status, message = await api.refusal("POST", wallet + "/min-payments", {"amount": amount})
        assert status == 400
        assert message.startswith("body amount: ")
        assert fault in message


async def test_a_change_is_kept_with_who_and_notified_in_the_same_transaction(api, wallet):
    await api.call("POST", wallet + "/addresses", json={"address": FIRST})
    await api.call("POST", wallet + "/addresses", json={"address": FIRST})
    await api.call("POST", wallet + "/min-payments", json={"amount": "0.5"})
    rows = await api.connection.fetch("select kind, entity_id, fields from events order by id")
    fields = [json.loads(row["fields"]) for row in rows]
    assert [(row["kind"], row["entity_id"]) for row in rows] == [
        ("wallet.address-changed", api.tree.alpha.id),
        ("wallet.address-changed", api.tree.alpha.id),
        ("wallet.minpay-changed", api.tree.alpha.id),
    ]
    assert fields[0]["address"] == FIRST
    assert set(fields[0]) == {"wallet_id", "currency", "address", "valid_from"}
    assert (fields[2]["amount"], fields[2]["currency"]) == ("0.50000000", "BTC")
    who = await api.connection.fetchval("select created_by from wallet_addresses limit 1")
    assert who == "internal"


async def test_an_unknown_wallet_is_not_found(api):
    answer = await api.call("GET", "/wallets/00000000-0000-4000-8000-000000000000/addresses")
    assert answer.status_code == 404
