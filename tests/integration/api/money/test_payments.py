"""Payments, earnings and explanations over HTTP, of days settled as the service settles them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.integration.api.client import BASE, api_client
from tests.integration.api.money.conftest import money_config
from tests.integration.settlement.settled_pool import DAY, LATER, SettledPool

NEXT = DAY + timedelta(days=1)
SPAN = {"from": "2026-11-20", "to": "2026-12-20"}


@dataclass(frozen=True, slots=True)
class Paid:
    """Two settled days: alice under an operator, referred by bob, with whom she shares."""

    client: httpx2.AsyncClient
    pool: SettledPool
    ids: dict[str, int]
    uids: dict[str, UUID]

    async def call(self, path: str, **options: Any) -> httpx2.Response:
        return await self.client.get(BASE + path.format(**self.uids), **options)

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.call(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def paid(connection: Any, database_url: str) -> AsyncIterator[Paid]:
    pool = SettledPool(connection)
    await pool.set_up(fee=0.02)
    farm = await pool.operator(0.05)
    alice, bob = await pool.miner("alice", operator=farm), await pool.miner("bob")
    await connection.execute(
        "insert into referrer_codes (code, miner_id) values ('hfrc_ABCDEFGH', %s)", (bob,)
    )
    await connection.execute("insert into referrals values (%s, %s, 'hfrc_ABCDEFGH')", (alice, bob))
    await connection.execute(
        "insert into profit_sharings (donor_id, recipient_id, type, rate, valid_from, created_by)"
        " values (%s, %s, 'profit_sharing', 0.1, %s, 'test')",
        (alice, bob, DAY),
    )
    second = await pool.worker(alice, "alice-2")
    await pool.work(alice, 60_000, operator=farm)
    await pool.work(alice, 40_000, minute=1, operator=farm, worker=second)
    await pool.work(alice, 50_000, day=NEXT, operator=farm)
    await pool.work(bob, 300)
    await pool.rate()
    await pool.rate(NEXT)
    await connection.execute("update leader set watermark = '2026-11-28T00:00:00Z'")
    await pool.settle()
    await pool.settle(now=LATER + timedelta(days=1))
    ids = {"pool": pool.pool, "farm": farm, "alice": alice, "bob": bob}
    rows = await pool.all(
        "select id, uid from pools union all select id, uid from operators"
        " union all select id, uid from miners"
    )
    uids = {name: dict(rows)[number] for name, number in ids.items()}
    async with api_client(money_config(database_url)) as client:
        yield Paid(client, pool, ids, uids)


def amounts(page: Any) -> list[tuple[str, str, str]]:
    return [(each["type"], each["direction"], each["amount"]) for each in page["data"]]


async def test_lists_of_miners_operators_and_pools(paid):
    alice = await paid.get("/miners/{alice}/payments")
    assert alice["pagination"] == {"limit": 10, "offset": 0, "total_count": 4}
    assert sorted(amounts(alice)) == sorted(
        [
            ("reward", "incoming", "0.00093200"),
            ("profit_sharing", "outgoing", "0.00009320"),
            ("reward", "incoming", "0.00046600"),
            ("profit_sharing", "outgoing", "0.00004660"),
        ]
    )
    reward = (await paid.get("/miners/{alice}/payments?type=reward&limit=1"))["data"][0]
    assert reward["effective_at"] == "2026-11-27T00:00:00Z"
    assert reward["metadata"]["hashrate"] == str((50_000 * 2**32 + 43_200) // 86_400)
    assert "E" not in reward["metadata"]["rate"]
    operator = await paid.get("/operators/{farm}/payments?type=reward")
    assert [each[2] for each in amounts(operator)] == ["0.00002500", "0.00005000"]
    pool = await paid.get("/pools/{pool}/payments")
    assert {each[0] for each in amounts(pool)} == {"reward"}
    answer = await paid.call("/miners/{alice}/payments?type=gift")
    assert answer.status_code == 400


async def test_a_cursor_comes_upon_every_payment_once(paid):
    seen: list[str] = []
    since = "2026-01-01T00:00:00Z"
    while page := (await paid.get("/miners/{alice}/payments", params={"since": since, "limit": 3}))[
        "data"
    ]:
        seen += [each["id"] for each in page]
        since = page[-1]["id"]
    everything = await paid.get("/miners/{alice}/payments?limit=100")
    assert sorted(seen) == sorted(each["id"] for each in everything["data"])
    assert len(set(seen)) == len(seen) == 4
    assert (await paid.get("/miners/{alice}/payments?since=2026-11-29"))["data"] == []
    for since in (seen[0], "0.5", "1700000000", "yesterday"):
        wrong = await paid.call("/miners/{bob}/payments", params={"since": since})
        assert (wrong.status_code, "query since" in wrong.text) == (400, True)


async def test_csv_has_the_columns_of_the_document(paid):
    answer = await paid.call("/miners/{alice}/payments/csv", params=SPAN | {"type": "reward"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    header, first, second = csv.reader(io.StringIO(answer.text))
    assert ", ".join(header) == (
        "created_at, effective_at, type, currency, amount, status, hashrate, rate, tx_hash"
    )
    assert first[:6] == [
        "2026-11-27 12:00:00",
        "2026-11-26 00:00:00",
        "reward",
        "BTC",
        "0.00093200",
        "completed",
    ]
    assert (Decimal(second[7]) > 0, second[8]) == (True, "")
    for span in (
        {"from": "2026-01-01", "to": "2026-04-01"},
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "2023"},
    ):
        refused = await paid.call("/miners/{alice}/payments/csv", params=span)
        assert refused.status_code == 400
    quarter = {"from": "2026-09-29T00:00:00Z", "to": "2026-12-28T00:00:00Z"}
    whole = await paid.call("/pools/{pool}/payments/csv", params=quarter)
    assert len(whole.text.splitlines()) == 3


async def test_a_payment_explains_itself_down_to_workers_and_schedule_entries(paid):
    page = await paid.get("/miners/{alice}/payments?type=reward&offset=1")
    uid = page["data"][0]["id"]
    found = await paid.get(f"/miners/{{alice}}/payments/{uid}")
    assert found["payment"] == page["data"][0]
    settled = found["settlement"]
    assert settled["amounts"] == {
        "gross": "0.00100000",
        "pool_commission": "0.00001800",
        "operator_commission": "0.00005000",
        "reward": "0.00093200",
    }
    lines = {line["type"]: line for line in settled["lines"]}
    assert lines["pool_commission"]["entry"]["fee"] == 0.02
    assert lines["operator_commission"]["entry"]["fee"] == 0.05
    assert lines["operator_commission"]["entry"]["created_by"] == "default"
    assert lines["referral"]["amount"] == "0.00000200"
    assert lines["profit_sharing"]["other_side"] == {"id": str(paid.uids["bob"]), "name": "bob"}
    workers = settled["workers"]["data"]
    assert [(each["name"], each["minutes"], each["gross"]) for each in workers] == [
        ("alice-1", 1, "0.00060000"),
        ("alice-2", 1, "0.00040000"),
    ]
    assert sum(int(each["work"]) for each in workers) == int(settled["work"]) == 100_000 * 2**32
    assert settled["rate"]["date"] == DAY.isoformat()
    sharing = await paid.get("/miners/{bob}/payments?type=profit_sharing&limit=100")
    shared = [each for each in sharing["data"] if each["amount"] == "0.00009320"]
    explained = await paid.get(f"/miners/{{bob}}/payments/{shared[0]['id']}")
    assert explained["counterparty"] == {"id": str(paid.uids["alice"]), "name": "alice"}
    other = await paid.call(f"/miners/{{bob}}/payments/{uid}")
    assert other.status_code == 404


async def test_why_less_than_yesterday_sums_to_the_difference(paid):
    page = await paid.get("/miners/{alice}/payments?type=reward")
    newest, oldest = (each["id"] for each in page["data"])
    found = await paid.get(f"/miners/{{alice}}/payments/{newest}/comparison")
    parts = {each["part"]: Decimal(each["amount"]) for each in found["parts"]}
    assert sum(parts.values()) == Decimal(found["difference"]) == Decimal("-0.00041940")
    assert (found["before"]["date"], found["after"]["date"]) == ("2026-11-26", "2026-11-27")
    assert parts["transfers"] == Decimal("0.00004660")
    assert parts["difficulty"] == parts["commissions"] == 0
    asked = {"with": "2026-11-26"}
    again = await paid.get(f"/miners/{{alice}}/payments/{newest}/comparison", params=asked)
    assert again == found
    first = await paid.call(f"/miners/{{alice}}/payments/{oldest}/comparison")
    assert first.status_code == 404


async def test_balances_and_earnings_agree_with_the_payments(paid):
    balance = await paid.get("/miners/{alice}/balance")
    assert balance == {"data": [{"currency": "BTC", "amount": "0.00125820"}]}
    assert await paid.get("/miners/{alice}/earned-all-time") == balance
    pool = await paid.get("/pools/{pool}/miners/{alice}/earned-all-time")
    assert pool["data"][0]["amount"] == "0.00002400"
    farm = await paid.get("/operators/{farm}/miners/{alice}/earned-all-time")
    assert farm["data"][0]["amount"] == "0.00007500"
    rates = await paid.get("/reward-rates", params={"from": "2026-11-26", "to": "2026-11-27"})
    assert [each["date"] for each in rates["rates"]] == ["2026-11-26", "2026-11-27"]
    details = await paid.get("/reward-rates/2026-11-26")
    assert (details["scheme"], details["blocks"]) == ("given", [])


async def test_what_another_miner_gave_is_not_explained_by_the_own_day(paid):
    await paid.pool.connection.execute(
        "update worker_minutes set accepted = 10000 where accepted = 60000"
    )
    await paid.pool.correct()
    explained = {}
    for name in ("alice", "bob"):
        page = await paid.get(f"/miners/{{{name}}}/payments?type=profit_sharing&limit=100")
        for each in page["data"]:
            found = await paid.get(f"/miners/{{{name}}}/payments/{each['id']}")
            days = found["settlement"] and found["settlement"]["version"]
            explained[name, each["direction"], each["amount"]] = days
    assert explained == {
        ("alice", "outgoing", "0.00009320"): 1,
        ("alice", "outgoing", "0.00004660"): 1,
        ("alice", "incoming", "0.00004660"): 2,
        ("bob", "incoming", "0.00009320"): None,
        ("bob", "incoming", "0.00004660"): None,
        ("bob", "outgoing", "0.00004660"): None,
        ("bob", "incoming", "0.00000200"): None,
        ("bob", "incoming", "0.00000100"): None,
        ("bob", "outgoing", "0.00000100"): None,
    }


async def test_a_pool_earned_what_was_booked_while_the_miner_was_there(paid):
    added = "insert into pools (title, fee) values ('Other', 0.25) returning id, uid"
    other, paid.uids["other"] = (await paid.pool.all(added))[0]
    asked = "/pools/{other}/miners/{alice}/earned-all-time"
    assert (await paid.call(asked)).status_code == 404
    await paid.pool.connection.execute(
        "update miners set pool_id = %s, operator_id = null where id = %s",
        (other, paid.ids["alice"]),
    )
    assert (await paid.get("/miners/{alice}/fees/current"))["fee"] == 0.25
    assert (await paid.get(asked))["data"][0]["amount"] == "0.00000000"
    left = await paid.get("/pools/{pool}/miners/{alice}/earned-all-time")
    assert left["data"][0]["amount"] == "0.00002400"


async def test_processing_is_what_is_not_booked_yet(paid):
    today = datetime.now(UTC).date()
    for day, difficulty in ((today, 1_000), (today - timedelta(days=1), 2_000)):
        await paid.pool.connection.execute(
            "insert into entity_minutes (bucket, entity_id, accepted_count, rejected_count,"
            " accepted, rejected) values (%s, %s, 1, 0, %s, 0)",
            (datetime.combine(day, datetime.min.time(), UTC), paid.ids["bob"], difficulty),
        )
    await paid.pool.connection.execute(
        "update settlements set day = day - 100 where day >= %s", (today - timedelta(days=1),)
    )
    found = await paid.get("/miners/{bob}/processing-earnings")
    amounts = found["data"][0]["amounts"]
    assert amounts == {"yesterday": "0.00001960", "today": "0.00000980"}
    today_only = await paid.get("/miners/{bob}/today-earnings")
    assert today_only == {"data": [{"currency": "BTC", "amount": "0.00000980"}]}
    await paid.pool.connection.execute(
        "insert into settlements (day, state, inputs_hash, inputs, frozen_at, booked_at)"
        " values (%s, 'booked', '', '{}', now(), now()) on conflict do nothing",
        (today - timedelta(days=1),),
    )
    found = await paid.get("/miners/{bob}/processing-earnings")
    assert found["data"][0]["amounts"]["yesterday"] == "0.00000000"
    for path in ("/operators/{farm}/processing-earnings", "/pools/{pool}/processing-earnings"):
        assert (await paid.get(path))["data"][0]["currency"] == "BTC"


async def test_work_that_is_given_brings_nothing_today(paid):
    """From the first minute of the day to its last, and of no other."""
    today, (bob, alice) = datetime.now(UTC).date(), (paid.ids["bob"], paid.ids["alice"])
    await paid.pool.connection.execute(
        "insert into entity_minutes (bucket, entity_id, accepted_count, rejected_count, accepted,"
        " rejected) values (%s, %s, 1, 0, 1000, 0)",
        (datetime.combine(today, datetime.min.time(), UTC), bob),
    )
    given = await paid.pool.given_worker(bob, alice)
    for minute in (-1, 0, 1_439, 1_440):
        await paid.pool.work(alice, 200, day=today, minute=minute, worker=given)
    found = await paid.get("/miners/{bob}/today-earnings")
    # 0.00000980 without what is given.
    assert found == {"data": [{"currency": "BTC", "amount": "0.00000588"}]}


async def test_a_statement_adds_up_in_each_of_its_forms(paid):
    path = "/miners/{alice}/statements/2026-11"
    found = await paid.get(path)
    assert (found["opening_balance"], found["closing_balance"]) == ("0.00000000", "0.00125820")
    assert len(found["payments"]) == sum(each["payments"] for each in found["totals"]) == 4
    lines = list(
        csv.reader(io.StringIO((await paid.call(path, headers={"Accept": "text/csv"})).text))
    )
    assert lines[-1][-1] == found["closing_balance"]
    page = await paid.call(path, headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "0.00125820" in page.text
    later = await paid.get("/miners/{alice}/statements/2026-12")
    assert later["opening_balance"] == later["closing_balance"] == "0.00125820"
    assert (await paid.call("/miners/{alice}/statements/2026-13")).status_code == 400
