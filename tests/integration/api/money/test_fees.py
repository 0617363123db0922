"""Fee schedules and tariff plans over HTTP, on a real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

TODAY = datetime.now(UTC).date
POOL_FEES = "/miners/{alpha}/fees"
OPERATOR_FEES = "/operators/{operator}/miners/{alpha}/fees"
GIFT_FEES = "/miners/{alpha}/virtual-mining-fees/{beta}"
PLANS = {
    POOL_FEES: "/miners/{alpha}/tariff-plan",
    OPERATOR_FEES: "/operators/{operator}/miners/{alpha}/tariff-plan",
    GIFT_FEES: "/miners/{alpha}/virtual-mining-plans/{beta}",
}


def day(ahead: int) -> str:
    return (TODAY() + timedelta(days=ahead)).isoformat()


def schedule(*entries: tuple[int, object]) -> dict[str, object]:
    return {
        "schedule": [
            {"valid_from": day(ahead), "fee": fee, "comment": f"in {ahead} days"}
            for ahead, fee in entries
        ]
    }


@pytest.mark.parametrize(
    ("fees", "first"), [(POOL_FEES, 0.009), (OPERATOR_FEES, 0.009), (GIFT_FEES, 0)]
)
async def test_a_schedule_is_set_read_and_replaced_from_its_first_date_on(api, fees, first):
    assert (await api.get(fees + "/current"))["fee"] == first
    made = await api.call("POST", fees, json=schedule((1, 0.01), (3, "0.02"), (9, 0.015)))
    assert (made.status_code, made.content) == (204, b"")
    body = await api.get(fees)
    assert [(each["fee"], each["valid_from"], each["valid_until"]) for each in body["data"]] == [
        (first, body["data"][0]["valid_from"], day(1)),
        (0.01, day(1), day(3)),
        (0.02, day(3), day(9)),
        (0.015, day(9), None),
    ]
    assert body["pagination"] == {"limit": 10, "offset": 0, "total_count": 4}
    await api.call("POST", fees, json=schedule((3, 0.5)))
    again = (await api.get(fees + "?offset=2"))["data"]
    assert again == [
        {"fee": 0.5, "valid_from": day(3), "valid_until": None, "comment": "in 3 days"}
    ]
    current = await api.get(fees + "/current")
    assert (current["fee"], current["valid_until"]) == (first, day(1))


@pytest.mark.parametrize("fees", [POOL_FEES, OPERATOR_FEES, GIFT_FEES])
async def test_what_was_replaced_is_kept_with_who_and_when(api, fees):
    await api.call("POST", fees, json=schedule((1, 0.01), (3, 0.02)))
    await api.call("POST", fees, json=schedule((3, 0.5)))
    body = await api.get(fees + "/history")
    *changes, first = body["data"]
    found = [(each["fee"], each["created_by"], each["replaced_by"]) for each in changes]
    assert sorted(found, key=lambda each: each[0]) == [
        (0.01, "internal", None),
        (0.02, "internal", "internal"),
        (0.5, "internal", None),
    ]
    assert all((each["replaced_at"] is None) == (each["replaced_by"] is None) for each in changes)
    assert (first["created_by"], first["replaced_at"]) == ("default", None)
    assert body["pagination"]["total_count"] == 4
    assert (await api.get(fees + "/history?offset=3"))["data"] == [first]


@pytest.mark.parametrize("fees", list(PLANS))
async def test_a_tariff_plan_is_the_same_schedule_seen_otherwise(api, fees):
    put = await api.call("PUT", PLANS[fees], json={"rate": "0.123456"})
    assert put.status_code == 200, put.text
    assert put.json() == await api.get(PLANS[fees])
    assert put.json()["future"] == {
        "rate": 0.123456,
        "valid_from": f"{day(1)}T00:00:00Z",
        "valid_until": None,
    }
    assert put.json()["current"]["valid_until"] == f"{day(1)}T00:00:00Z"
    assert (await api.get(fees))["data"][-1]["fee"] == 0.123456


async def test_fees_are_exact(api):
    await api.call(
        "POST", "/miners/{beta}/fees", json=schedule((1, 0.009), (2, "0.100001"), (3, 1), (4, "0"))
    )
    rows = await api.connection.fetch(
        "select fee::text from fee_entries where created_by <> 'default' order by valid_from"
    )
    assert [row["fee"] for row in rows] == ["0.009000", "0.100001", "1.000000", "0.000000"]


NO_FEES = [
    (-0.1, "must not be negative"),
    ("-0.1", "must not be negative"),
    ("1e-2", "without an exponent"),
    ("NaN", "plain digits"),
    ("Infinity", "plain digits"),
    ("0,5", "plain digits"),
    ("", "plain digits"),
    (" 0.5", "plain digits"),
    ("٠.٥", "plain digits"),
    ("0.0000001", "at most 6 decimals"),
    (0.0000001, "at most 6 decimals"),
    (1.000001, "must be from 0 to 1"),
    ("9" * 39, "must be from 0 to 1"),
    (10**30, "must be from 0 to 1"),
    (True, "a decimal string or a number"),
    (None, "a decimal string or a number"),
    ([0.1], "a decimal string or a number"),
]


async def test_what_is_no_fee_is_named(api):
    for fees, (fee, fault) in product(PLANS, NO_FEES):
        status, message = await api.refusal("POST", fees, schedule((1, 0.1), (2, fee)))
        assert status == 400
        assert message.startswith("body schedule 1 fee: ")
        assert fault in message
        status, message = await api.refusal("PUT", PLANS[fees], {"rate": fee})
        assert (status, message.startswith("body rate: ")) == (400, True)


async def test_numbers_that_json_does_not_have_are_refused(api):
    for literal in (b"NaN", b"Infinity", b"-Infinity", b"1e999"):
        body = b'{"schedule":[{"valid_from":"%s","fee":%s}]}' % (day(1).encode(), literal)
        headers = {"content-type": "application/json"}
        answer = await api.call("POST", POOL_FEES, content=body, headers=headers)
        assert answer.status_code == 400


async def test_a_bad_schedule_is_named_and_changes_nothing(api):
    before = await api.get(POOL_FEES)
    for body, fault in [
        (schedule((0, 0.1)), "schedule 0 valid_from: must not be before tomorrow UTC"),
        (schedule((-400, 0.1)), "schedule 0 valid_from: must not be before tomorrow UTC"),
        (schedule((2, 0.1), (2, 0.2)), "schedule 1 valid_from: must be after"),
        (schedule((3, 0.1), (2, 0.2)), "schedule 1 valid_from: must be after"),
        ({"schedule": []}, "body schedule: "),
        (schedule(*((ahead, 0) for ahead in range(1, 102))), "body schedule: "),
        ({}, "body schedule: "),
    ]:
        status, message = await api.refusal("POST", POOL_FEES, body)
        assert status == 400
        assert fault in message
    assert await api.get(POOL_FEES) == before


async def test_pool_and_operator_together_take_at_most_everything(api):
    await api.call("POST", OPERATOR_FEES, json=schedule((5, 0.6)))
    status, message = await api.refusal("POST", POOL_FEES, schedule((1, 0.5), (9, 0.1)))
    assert status == 400
    assert f"on {day(5)} the fees of pool and operator are together above 1" in message
    exactly = await api.call("POST", POOL_FEES, json=schedule((1, 0.5), (5, 0.4)))
    assert exactly.status_code == 204
    status, _ = await api.refusal("PUT", PLANS[OPERATOR_FEES], {"rate": 0.500001})
    assert status == 400


async def test_two_at_once_do_not_take_more_than_there_is_together(api):
    answers = await asyncio.gather(
        api.call("POST", POOL_FEES, json=schedule((1, 0.7))),
        api.call("POST", OPERATOR_FEES, json=schedule((1, 0.7))),
    )
    assert sorted(answer.status_code for answer in answers) == [204, 400]


async def test_every_change_is_kept_with_who_and_when(api):
    await api.call("POST", POOL_FEES, json=schedule((1, 0.1)))
    await api.call("POST", POOL_FEES, json=schedule((1, 0.2)))
    rows = await api.connection.fetch(
        "select fee, created_by, superseded_by, superseded_at is not null as gone from fee_entries "
        "where relation = 'miner_pool' and payer_id = $1 and created_by <> 'default' order by id",
        api.tree.alpha.id,
    )
    assert [(float(r["fee"]), r["created_by"], r["superseded_by"], r["gone"]) for r in rows] == [
        (0.1, "internal", "internal", True),
        (0.2, "internal", None, False),
    ]


async def test_the_default_fee_is_for_new_miners_alone(api):
    changed = await api.call("PUT", "/operators/{operator}/default-fee", json={"fee": "0.005"})
    assert (changed.status_code, changed.json()) == (200, {"fee": "0.005"})
    status, message = await api.refusal("PUT", "/operators/{operator}/default-fee", {"fee": 0.992})
    assert (status, message.startswith("body fee: it is above 1")) == (400, True)
    operator = await api.get("/operators/{operator}")
    assert operator["settings"]["default_pool_fee_for_customer"] == 0.005
    assert (await api.get(OPERATOR_FEES + "/current"))["fee"] == 0.009
    made = await api.call("POST", "/operators/{operator}/miners", json={"account_name": "newer"})
    path = f"/operators/{{operator}}/miners/{made.json()['id']}/fees/current"
    assert (await api.get(path))["fee"] == 0.005


async def test_a_miner_of_another_operator_has_no_fee_here(api):
    status, message = await api.refusal(
        "POST", "/operators/{operator}/miners/{beta}/fees", schedule((1, 0.1))
    )
    assert (status, message) == (404, "no such miner of this operator")
