"""`hashgauge mail` against a database: what failed is listed, and sent again."""

from __future__ import annotations

import asyncio

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from tests.integration.notify.seeded_events import seeded_events


async def _given_up(database_url: str) -> list[int]:
    """Two refused mails and one that was sent; ids of the refused."""
    async with seeded_events(database_url) as seeded:
        for address, status in (("ada@", "failed"), ("bob@", "sent"), ("eve@", "failed")):
            await seeded.run(
                "insert into outgoing_mails (kind, to_address, fields, status, attempts,"
                " first_attempt_at, last_error, finished_at) values ('invitation', %s,"
                ' \'{"code": "c0de"}\', %s, 14, now(), %s, now())',
                f"{address}example.com",
                status,
                "550 no such user" if status == "failed" else None,
            )
        return [row["id"] for row in await _mails(seeded) if row["status"] == "failed"]


async def _mails(seeded):
    return await seeded.run("select * from outgoing_mails order by id")


async def _statuses(database_url: str) -> list[tuple[str, int, bool]]:
    async with seeded_events(database_url) as seeded:
        return [
            (row["status"], row["attempts"], row["first_attempt_at"] is None)
            for row in await _mails(seeded)
        ]


def test_failed_mails_are_listed_and_replayed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "250")
    first, _ = asyncio.run(_given_up(database_url))

    def output(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["mail", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    listed = output("list-failed")
    assert "550 no such user" in listed
    assert "ada@example.com" in listed
    assert "bob@" not in listed
    assert "c0de" not in listed, "what only the addressee may know"
    assert output("replay", "--mail", "999").startswith("0 mails")
    assert output("replay", "--mail", str(first)).startswith("1 mails")
    again, sent, given_up = ("pending", 0, True), ("sent", 14, False), ("failed", 14, False)
    assert asyncio.run(_statuses(database_url)) == [again, sent, given_up]
    assert output("replay").startswith("1 mails")
    assert asyncio.run(_statuses(database_url)) == [again, sent, again]
