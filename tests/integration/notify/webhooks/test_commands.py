"""`hashgauge webhooks` against a database: list, replay, rotate."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from tests.integration.notify.seeded_events import seeded_events


async def _given_up(database_url: str) -> UUID:
    async with seeded_events(database_url) as seeded:
        miner = await seeded.add_miner("acme")
        webhook = await seeded.add_webhook(miner, "https://hooks.example/x", "whsec_b2xkb2xk")
        event = await seeded.change(await seeded.add_worker(miner, "rig"), "off")
        await seeded.run(
            "insert into webhook_deliveries (webhook_id, event_id, status, attempts, last_error,"
            " finished_at) values (%s, %s, 'failed', 14, 'status 503', now())",
            webhook,
            event,
        )
    return webhook


async def _statuses(database_url: str) -> list[tuple[str, int]]:
    async with seeded_events(database_url) as seeded:
        return [(row["status"], row["attempts"]) for row in await seeded.deliveries()]


def test_failures_are_listed_and_replayed_and_a_secret_is_rotated(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "250")
    webhook = asyncio.run(_given_up(database_url))
    runner = CliRunner()

    def output(*arguments: str) -> str:
        result = runner.invoke(app, ["webhooks", *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    listed = output("list-failed")
    assert "status 503" in listed
    assert str(webhook) in listed
    assert output("replay", "--webhook", str(UUID(int=9))).startswith("0 messages")
    assert output("replay").startswith("1 messages")
    assert asyncio.run(_statuses(database_url)) == [("pending", 0)]
    assert "whsec_" in output("rotate", str(webhook))
    assert runner.invoke(app, ["webhooks", "rotate", str(UUID(int=9))]).exit_code == 2
