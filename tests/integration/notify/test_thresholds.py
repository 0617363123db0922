"""Threshold alerts from published figures to a webhook and a chat, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson

from aggregator.notify.alerts.channel import AlertChannel
from aggregator.notify.channel import Channel
from aggregator.notify.config import NotifyConfig, TelegramConfig, ThresholdConfig, WebhookConfig
from aggregator.notify.outbox import Outbox
from aggregator.notify.telegram.channel import TelegramChannel
from aggregator.notify.thresholds.monitor import ThresholdMonitor
from aggregator.notify.webhooks.channel import WebhookChannel
from aggregator.notify.webhooks.signing import new_secret
from schemas.units import difficulty_of
from tests.fixtures.http_server import HttpAnswer, HttpRequest, http_server
from tests.fixtures.until import until
from tests.integration.notify.seeded_events import START, SeededEvents, publishing
from tests.integration.notify.telegram.fake_telegram import TOKEN, FakeTelegram
from tests.integration.notify.telegram.test_telegram import CHAT, add_user

TERA = 1e12
SHARE = 4_096.0


class Pool:
    """A miner with one worker whose figures the test writes as the leader would."""

    def __init__(self, seeded: SeededEvents) -> None:
        self.seeded = seeded
        self.minute = 0
        self.received: list[dict[str, Any]] = []

    async def begin(self) -> None:
        self.miner = await self.seeded.add_miner("acme")
        self.worker = await self.seeded.add_worker(self.miner, "rig01")
        await self.seeded.run("insert into entity_figures (entity_id) values (%s)", self.miner)
        await self.seeded.run("update miners set created_at = %s", START - timedelta(days=30))
        await self.seeded.run("update workers set created_at = %s", START - timedelta(days=30))
        for relation, column, key in (
            ("worker_1h_closed", "worker_id", self.worker),
            ("entity_1h_closed", "entity_id", self.miner),
        ):  # fmt: skip
            await self.seeded.run(
                f"insert into {relation} (bucket, {column}, accepted_count, rejected_count,"
                f" accepted, rejected) values (%s, %s, 1000, 0, {1000 * SHARE}, 0)",
                START - timedelta(hours=2),
                key,
            )

    async def rule(self, metric: str, bound: float, *, of_worker: bool = True, **more: Any) -> None:
        columns = {"window_name": "1h", "for_s": 0} | more
        await self.seeded.run(
            "insert into thresholds (miner_id, worker_id, metric, bound, window_name, for_s)"
            " values (%s, %s, %s, %s, %s, %s)",
            self.miner, self.worker if of_worker else None, metric, bound,
            columns["window_name"], columns["for_s"],
        )  # fmt: skip

    async def pass_minute(
        self, *, hashrate: float, rejected: float = 0, unavailable: int = 0
    ) -> None:
        """The next watermark, with figures of an hour and a week at one hashrate."""
        self.minute += 1
        for table, column, key in (
            ("worker_figures", "worker_id", self.worker),
            ("entity_figures", "entity_id", self.miner),
        ):  # fmt: skip
            await self.seeded.run(
                f"update {table} set accepted_1h = %s, rejected_1h = %s, accepted_1w = %s"
                f" where {column} = %s",
                difficulty_of(hashrate, 3_600),
                difficulty_of(rejected, 3_600),
                difficulty_of(10 * TERA, 604_800),
                key,
            )
        await self.seeded.run("delete from status_counts")
        await self.seeded.run(
            "insert into status_counts values (%s, 'unavailable', %s)", self.miner, unavailable
        )
        at = START + timedelta(minutes=self.minute)
        await self.seeded.run("update leader set watermark = %s", at)
        await until(self._is_measured(at))

    def _is_measured(self, at: Any) -> Any:
        async def check() -> bool:
            rows = await self.seeded.run(
                "select 1 from thresholds where measured_at is distinct from %s", at
            )
            return not rows

        return check

    def kinds(self) -> list[tuple[str, str]]:
        return [(body["type"], body["data"]["metric"]) for body in self.received]


@asynccontextmanager
async def monitored(seeded: SeededEvents, telegram: FakeTelegram) -> AsyncIterator[Pool]:
    pool = Pool(seeded)
    await pool.begin()

    async def receiver(request: HttpRequest) -> HttpAnswer:
        pool.received.append(orjson.loads(request.body))
        return HttpAnswer()

    async with http_server(receiver) as hook, http_server(telegram) as bot:
        config = NotifyConfig(
            poll_s=0.05,
            retry_s=0.1,
            webhooks=WebhookConfig(allow_private=True, poll_s=0.05),
            thresholds=ThresholdConfig(poll_s=0.02, batch=2),
            telegram=TelegramConfig(TOKEN, base_url=bot, poll_s=0.05, long_poll_s=1, fold_s=0.01),
        )

        def channels(config: NotifyConfig, outbox: Outbox) -> Sequence[Channel]:
            assert config.telegram is not None
            return [
                AlertChannel(outbox, people={"telegram": 0.01}, rate_span_s=3_600, poll_s=0.05),
                ThresholdMonitor(config.thresholds, outbox),
                WebhookChannel(config.webhooks, outbox),
                TelegramChannel(config.telegram, outbox),
            ]

        await seeded.add_webhook(pool.miner, hook, new_secret())
        await add_user(seeded, pool.miner)
        async with publishing(seeded, config, channels=channels):
            yield pool


async def test_each_metric_is_reported_once_and_again_when_it_is_over(
    seeded: SeededEvents,
) -> None:
    telegram = FakeTelegram(CHAT)
    async with monitored(seeded, telegram) as pool:
        await pool.rule("hashrate", 5 * TERA)
        await pool.rule("hashrate_of_week", 70, of_worker=False)
        await pool.rule("unavailable_workers", 2, of_worker=False, window_name=None)
        await pool.rule("reject_pct", 3)
        await pool.pass_minute(hashrate=10 * TERA, rejected=0.1 * TERA, unavailable=2)
        assert not pool.received
        for _ in range(2):
            await pool.pass_minute(hashrate=4 * TERA, rejected=4 * TERA, unavailable=3)
        crossed = {
            ("threshold.crossed", metric)
            for metric in ("hashrate", "hashrate_of_week", "unavailable_workers", "reject_pct")
        }
        await until(lambda: len(pool.received) >= 4)
        assert sorted(pool.kinds()) == sorted(crossed)
        await pool.pass_minute(hashrate=10 * TERA, rejected=0.1 * TERA)
        await until(lambda: len(pool.received) >= 8)
        assert set(pool.kinds()[4:]) == {("threshold.cleared", metric) for _, metric in crossed}
        first = next(b["data"] for b in pool.received if b["data"]["metric"] == "hashrate")
        assert first["worker_name"] == "rig01"
        assert first["miner"]["account_name"] == "acme"
        assert float(first["figure"]) == 4 * TERA
        # 4.2 million difficulty in shares of 4,096: 1,023 expected at the bound, ± 3.1 %.
        assert 0.030 < float(first["error"]) / float(first["bound"]) < 0.032
        await until(lambda: any("no longer below" in text for _, text in telegram.sent))
        texts = "\n".join(text for _, text in telegram.sent)
        assert "<code>rig01</code>: hashrate 4 TH/s (1h), below 5 TH/s ± 156 GH/s" in texts
        assert "3 workers unavailable, more than 2" in texts


async def test_what_is_muted_is_said_when_the_quiet_ends(seeded: SeededEvents) -> None:
    async with monitored(seeded, FakeTelegram(CHAT)) as pool:
        await pool.rule("hashrate", 5 * TERA)
        await seeded.run("update thresholds set muted_until = now() + interval '1 hour'")
        await pool.pass_minute(hashrate=4 * TERA)
        rows = await seeded.run("select is_firing, is_reported from thresholds")
        assert rows == [{"is_firing": True, "is_reported": False}]
        assert not await seeded.run("select 1 from events")
        await seeded.run("update thresholds set muted_until = null")
        await pool.pass_minute(hashrate=4 * TERA)
        await until(lambda: pool.received)
        assert pool.kinds() == [("threshold.crossed", "hashrate")]


async def test_a_worker_that_is_younger_than_the_window_is_not_measured(
    seeded: SeededEvents,
) -> None:
    async with monitored(seeded, FakeTelegram(CHAT)) as pool:
        await pool.rule("hashrate", 5 * TERA)
        await seeded.run("update workers set created_at = %s", START - timedelta(minutes=10))
        await pool.rule("unavailable_workers", 2, of_worker=False, window_name=None)
        await seeded.run("update leader set watermark = %s", START + timedelta(minutes=1))
        await until(_one_is_measured(seeded))
        rows = await seeded.run("select metric from thresholds where measured_at is not null")
        assert [row["metric"] for row in rows] == ["unavailable_workers"]
        assert not pool.received


def _one_is_measured(seeded: SeededEvents) -> Any:
    async def check() -> bool:
        return bool(await seeded.run("select 1 from thresholds where measured_at is not null"))

    return check
