"""A publisher as a process of its own, to be killed: `python -m ... DATABASE_URL`."""

from __future__ import annotations

import asyncio
import sys

from psycopg_pool import AsyncConnectionPool

from aggregator.notify.config import NotifyConfig, WebhookConfig
from aggregator.notify.outbox import Pool, configure
from aggregator.notify.publisher import Publisher
from deploy.database.roles import NOTIFIER
from tests.fixtures.postgres import under

CONFIG = NotifyConfig(
    lease_s=0.3,
    renew_s=0.1,
    standby_poll_s=0.05,
    poll_s=0.02,
    batch=7,
    webhooks=WebhookConfig(allow_private=True, poll_s=0.02, first_retry_s=0.05),
)


async def main(database_url: str) -> None:
    pool: Pool = AsyncConnectionPool(
        under(NOTIFIER, database_url), min_size=1, max_size=8, open=False, configure=configure
    )
    await pool.open()
    await Publisher(CONFIG, pool).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
