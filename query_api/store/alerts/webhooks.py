"""Webhooks of a miner, their secrets and deliveries, and how patient alerts are."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from query_api.database import Database, Row
from query_api.http.errors import ConflictError
from query_api.store.locks import lock_miner
from schemas.messages.notifications import Notice
from schemas.runtime.named_sql import load
from schemas.sealing import Seal

SQL: Final = load("query_api", "sql/webhooks.sql")

WEBHOOKS_MAX: Final = 20
"""For each miner; each event goes to each of them."""

SECRET_OVERLAP: Final = timedelta(days=1)
"""How long the old secret still signs along: as long as an event is retried."""


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    """Not to be sent: the worker was back within the delay, or the miner was muted meanwhile."""


def new_secret() -> str:
    """As Standard Webhooks writes them: `whsec_` and 24 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


async def of_miner(database: Database, miner_id: int) -> Sequence[Row]:
    return await database.fetch(SQL["webhooks"], miner_id)


async def find(database: Database, miner_id: int, webhook_id: UUID) -> Row | None:
    return await database.fetch_row(SQL["webhook"], miner_id, webhook_id)


async def create(database: Database, miner_id: int, *, url: str, seal: Seal) -> tuple[Row, str]:
    """The webhook and its secret, which cannot be read again; ConflictError beyond the most."""
    secret = new_secret()
    async with database.transaction() as connection:
        await lock_miner(connection, miner_id)
        if await connection.fetchval(SQL["count_webhooks"], miner_id) >= WEBHOOKS_MAX:
            raise ConflictError(f"a miner has at most {WEBHOOKS_MAX} webhooks")
        row = await connection.fetchrow(SQL["create_webhook"], miner_id, url, seal.seal(secret))
    return row, secret


async def change(
    database: Database,
    miner_id: int,
    webhook_id: UUID,
    *,
    url: str | None,
    enabled: bool | None,
) -> Row | None:
    return await database.fetch_row(SQL["change_webhook"], miner_id, webhook_id, url, enabled)


async def delete(database: Database, miner_id: int, webhook_id: UUID) -> bool:
    found = await database.fetch_value(SQL["delete_webhook"], miner_id, webhook_id)
    return found is not None


async def rotate(
    database: Database, miner_id: int, webhook_id: UUID, *, seal: Seal
) -> tuple[Row, str] | None:
    secret = new_secret()
    row = await database.fetch_row(
        SQL["rotate_webhook"], miner_id, webhook_id, seal.seal(secret), SECRET_OVERLAP
    )
    return None if row is None else (row, secret)


async def send_test(database: Database, miner_id: int, webhook_id: UUID) -> UUID:
    """Put a test into the outbox; the id of its event."""
    event_id: UUID = await database.fetch_value(
        SQL["send_test"], Notice.WEBHOOK_TEST, miner_id, str(webhook_id)
    )
    return event_id


async def deliveries(
    database: Database,
    webhook_id: UUID,
    *,
    statuses: Sequence[DeliveryStatus],
    limit: int,
    offset: int,
) -> tuple[Sequence[Row], int]:
    rows = await database.fetch(
        SQL["deliveries_page"], webhook_id, list(statuses or DeliveryStatus), limit, offset
    )
    return [row for row in rows if row["id"] is not None], rows[0]["total_count"]


async def retry(database: Database, webhook_id: UUID, delivery_id: UUID) -> Row | None:
    return await database.fetch_row(SQL["retry_delivery"], webhook_id, delivery_id)


async def set_alerts(
    database: Database, miner_id: int, *, delay_s: int, muted_until: datetime | None
) -> None:
    await database.execute(SQL["set_alerts"], miner_id, delay_s, muted_until)
