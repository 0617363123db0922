"""Rows that somebody deletes by SQL: no command and no route does."""

from __future__ import annotations

from typing import Any, Final

from psycopg import AsyncConnection

_OWN_ACCOUNTS: Final = "(select id from ledger_accounts where owner_id = %s)"


async def delete_miner(connection: AsyncConnection[Any], miner: int) -> None:
    """With its workers and webhooks; minutes and events stay, which refer to nothing."""
    async with connection.transaction():
        for statement in (
            "delete from webhooks where miner_id = %s",
            "delete from worker_statuses where miner_id = %s",
            "delete from workers where miner_id = %s",
            "delete from entity_figures where entity_id = %s",
            "delete from status_counts where entity_id = %s",
            f"delete from ledger_balances where account_id in {_OWN_ACCOUNTS}",
            "delete from ledger_accounts where owner_id = %s",
            "delete from wallets where owner_id = %s",
            "delete from miners where id = %s",
        ):
            await connection.execute(statement.encode(), (miner,))
