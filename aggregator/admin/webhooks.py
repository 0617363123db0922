"""What operators do about webhooks by command: see what failed, send it again, rotate a secret."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from aggregator.notify.webhooks.signing import new_secret
from schemas.runtime.named_sql import load
from schemas.sealing import Seal

_SQL: Final = load("aggregator.notify", "sql/webhooks.sql")

Connection = AsyncConnection[dict[str, Any]]

# A day to put the new secret into the receiver while both sign.
OVERLAP_S: Final = 86_400.0


async def list_failed(
    connection: Connection, *, webhook_id: UUID | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Deliveries that were given up, oldest first: of one webhook or of all."""
    cursor = await connection.execute(
        _SQL["list_failed"], {"webhook_id": webhook_id, "limit": limit}
    )
    return await cursor.fetchall()


async def replay_failed(connection: Connection, *, webhook_id: UUID | None = None) -> int:
    """Send what was given up again, under the same ids; how many that are."""
    cursor = await connection.execute(_SQL["replay_failed"], {"webhook_id": webhook_id})
    return cursor.rowcount


async def rotate(
    connection: Connection, webhook_id: UUID, *, seal: Seal, overlap_s: float = OVERLAP_S
) -> str | None:
    """The new secret, to be shown once; None where there is no such webhook."""
    secret = new_secret()
    cursor = await connection.execute(
        _SQL["rotate"],
        {"webhook_id": webhook_id, "secret": seal.seal(secret), "overlap_s": overlap_s},
    )
    return secret if cursor.rowcount else None
