"""The ledger as a plain-text journal for beancount: whoever doubts us can ask another tool.

    2026-11-27 * "reward" "6f1c..."
      Expenses:Mining:N1          100 SAT
      Liabilities:Customer:N7    -100 SAT

At its end each account's cached balance stands as an assertion, which beancount checks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from aggregator.ledger.transfers import AccountKind
from schemas.runtime.named_sql import load

_SQL: Final = load("aggregator.ledger", "sql/export.sql")
_GROUPS: Final[Mapping[str, str]] = {
    AccountKind.CUSTOMER: "Liabilities:Customer",
    AccountKind.MINING: "Expenses:Mining",
    AccountKind.WALLET: "Assets:Wallet",
    AccountKind.NETWORK_FEES: "Expenses:NetworkFees",
    AccountKind.EXTERNAL: "Equity:External",
}
_FIRST_DAY: Final = date(2009, 1, 3)


async def journal(connection: AsyncConnection[Any]) -> AsyncIterator[str]:
    """Entries, one after the other. The caller's transaction should be a snapshot."""
    yield 'option "title" "Hashgauge"\n'
    names: dict[int, str] = {}
    balances: dict[int, int] = {}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["accounts"])
        async for row in cursor:
            names[row["id"]] = f"{_GROUPS[row['kind']]}:N{row['owner_id']}"
            balances[row["id"]] = row["balance_sat"]
            yield f"{_FIRST_DAY} open {names[row['id']]} SAT\n"
    last = _FIRST_DAY
    async with connection.cursor("journal", row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["transfers"])
        async for row in cursor:
            last = max(last, row["effective_at"].date())
            yield _entry(row, names)
    for account, balance_sat in balances.items():
        yield f"{last + timedelta(days=1)} balance {names[account]} {balance_sat} SAT\n"


def _entry(row: Mapping[str, Any], names: Mapping[int, str]) -> str:
    corrects = f'\n  corrects: "{row["corrects"]}"' if row["corrects"] else ""
    return (
        f'{row["effective_at"].date()} * "{row["kind"]}" "{row["id"]}"{corrects}\n'
        f"  {names[row['debit_account_id']]} {row['amount_sat']} SAT\n"
        f"  {names[row['credit_account_id']]} {-row['amount_sat']} SAT\n"
    )
