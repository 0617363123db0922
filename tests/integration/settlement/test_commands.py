"""`hashgauge rates`, `settle` and `ledger`, as a person types them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from beancount import loader
from typer.testing import CliRunner, Result

from deploy.cli import app
from tests.integration.settlement.settled_pool import SettledPool

pytestmark = pytest.mark.postgres
PETAHASH = 10**15 * 86_400 / 2**32
"""Accepted difficulty of a day at 1 PH/s."""


@pytest.fixture
def day() -> date:
    """The commands go by the machine's clock: a day that is due whatever the hour."""
    return datetime.now(UTC).date() - timedelta(days=3)


@pytest.fixture
async def alice(
    pool: SettledPool, database_url: str, day: date, monkeypatch: pytest.MonkeyPatch
) -> int:
    """A miner with a petahash per second that day, in a pool that enters its rates."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("HASHGAUGE_SETTLEMENT__SCHEMES", '[{"scheme": "given"}]')
    monkeypatch.setenv("HASHGAUGE_SETTLEMENT__FIRST_DAY", day.isoformat())
    await pool.connection.execute("update leader set watermark = now()")
    alice = await pool.miner("alice")
    await pool.work(alice, PETAHASH, day=day)
    return alice


async def typed(*arguments: str) -> Result:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def done(*arguments: str) -> str:
    result = await typed(*arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    return result.stdout


async def test_a_day_from_its_rate_to_its_correction(
    pool: SettledPool, alice: int, day: date
) -> None:
    assert f"waits for a rate for {day}" in " ".join((await done("settle")).split())
    await done("rates", "set", str(day), "0.00000060")
    (rate,) = json.loads(await done("rates", "show", "--json"))
    assert rate["day"] == str(day)
    assert float(rate["BTC_per_TH/s"]) == 0.0000006
    await done("settle")
    assert await pool.payments(alice) == [("reward", "incoming", 60_000)]
    used = await typed("rates", "set", str(day), "0.00000061")
    assert "is settled" in f"{used.exception}{used.output}"
    assert "nothing" in await done("settle", "--check", str(day))
    waits = json.loads(await done("settle", "--json"))
    assert waits["next_day"] == str(day + timedelta(days=1))
    assert "rate" in waits["waits_for"]
    await pool.work(alice, PETAHASH / 100, day=day, minute=1)
    (changed,) = json.loads(await done("settle", "--check", str(day), "--json"))
    assert changed["satoshi_before_fees"] == 600
    assert "corrected 1 miners by 600 satoshi" in await done("settle", "--correct", str(day))
    again = json.loads(await done("settle", "--correct", str(day), "--json"))
    assert again == {"booked": 0, "gross_sat": 0, "waiting": []}
    assert await pool.balances() == {alice: 60_600}
    assert "every satoshi is where it should be" in await done("ledger", "check")
    entries, errors, _ = loader.load_string(await done("ledger", "export"))
    assert errors == []
    assert sum(type(one).__name__ == "Transaction" for one in entries) == 2


async def test_a_ledger_that_does_not_add_up_ends_with_1(pool: SettledPool, alice: int) -> None:
    await pool.connection.execute("update ledger_balances set credits_sat = credits_sat + 1")
    result = await typed("ledger", "check")
    assert result.exit_code == 1
    assert "balances are sums of transfers" in " ".join(result.output.split())


async def test_rates_are_imported_all_or_none(
    pool: SettledPool, alice: int, day: date, tmp_path: Path
) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(f"day,rate\n{day},0.0000006\n{day + timedelta(days=1)},6e-7\n")
    refused = await typed("rates", "import", str(file))
    assert "'6e-7' is no rate" in f"{refused.exception}{refused.output}"
    assert await pool.all("select from reward_rates") == []
    file.write_text(f"day,rate\n{day},0.0000006\n{day + timedelta(days=1)},0.0000007\n")
    await done("rates", "import", str(file))
    entered = await pool.all(
        "select (numerator * 10^19 / denominator)::int8 from reward_rates order by day"
    )
    assert entered == [(6,), (7,)]


@pytest.mark.parametrize(
    ("entered", "fault"),
    [
        (("2026-02-30", "0.0000006"), "is no day"),
        (("2999-01-01", "0.0000006"), "has not begun yet"),
        (("2026-01-01", "nan"), "is no rate"),
        (("2026-01-01", "6e-7"), "is no rate"),
        (("2026-01-01", "1/3"), "is no rate"),
        (("2026-01-01", "0.6.0"), "is no rate"),
        (("2026-01-01", "7"), "more than a block"),
        (("2026-01-01", "7" * 5_000), "more than a block"),
        (("2026-01-01", "0." + "1" * 5_000), "at most 51 decimals"),
    ],
)
async def test_a_rate_that_is_none_is_named(
    alice: int, entered: tuple[str, str], fault: str
) -> None:
    result = await typed("rates", "set", *entered)
    assert result.exit_code == 2
    assert fault in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"day,rate\n2026-01-01\n", "'' is no rate"),
        (b"day\n2026-01-01\n", "needs the columns"),
        (b"day,rate\n2026-01-01,\xff\n", "not a text in UTF-8"),
        (b"day,rate\n2026-01-01,0.1\n2026-01-01,0.2\n", "2026-01-01 is there twice"),
    ],
)
async def test_a_file_of_rates_that_is_none_is_named(
    alice: int, tmp_path: Path, content: bytes, fault: str
) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(content)
    result = await typed("rates", "import", str(file))
    assert result.exit_code == 2
    assert fault in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize(
    "wrong",
    [
        ("rates", "show", "--days", "1000000000"),
        ("payouts", "list", "--limit", str(2**63)),
        ("settle", "--check", "yesterday"),
        ("settle", "--check", "2026-01-01", "--correct", "2026-01-01"),
    ],
)
async def test_wrong_arguments_end_with_2(alice: int, wrong: tuple[str, ...]) -> None:
    assert (await typed(*wrong)).exit_code == 2


async def test_a_user_without_a_name_enters_rates(
    pool: SettledPool, alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    await done("rates", "set", "2026-01-01", "0.0000006")
    assert await pool.all("select created_by from reward_rates") == [("command by unknown",)]
