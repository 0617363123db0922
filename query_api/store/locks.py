"""One at a time, where requests at once could pass a limit together.

The lock is a statement of its own: one that locks and counts would count what it saw before it had
to wait.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from schemas.runtime.named_sql import load

SQL: Final = load("query_api", "sql/locks.sql")


async def lock_miner(connection: Any, *miner_ids: int) -> None:
    """Until the transaction ends; several in one order. Intake may still make workers of them."""
    await connection.execute(SQL["lock_miners"], list(miner_ids))


async def lock_user(connection: Any, user_uid: UUID) -> None:
    await connection.execute(SQL["lock_user"], user_uid)
