"""A monthly statement: as JSON, as CSV, and as a page that prints well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from html import escape
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from query_api.contract.money.csv import COLUMNS, lines_of, payment_line, time_text
from query_api.contract.money.earnings import Amount
from query_api.contract.money.payments import (
    Payment,
    PaymentType,
    hashrate_text,
)
from query_api.contract.money.wallets import Currency
from query_api.contract.shape import JsonObject, Shape
from query_api.database import Row
from query_api.store.money.statements import Statement
from schemas.money import CURRENCY, btc_text


class StatementTotal(Shape):
    type: PaymentType
    direction: Literal["incoming", "outgoing"]
    amount: Amount
    payments: int


class MonthlyStatement(Shape):
    """opening_balance with all payments is closing_balance, to the satoshi."""

    id: UUID
    name: str
    month: Annotated[str, Field(examples=["2026-11"])]
    currency: Currency
    opening_balance: Amount
    closing_balance: Amount
    totals: list[StatementTotal]
    payments: list[Payment]


def statement_json(statement: Statement, *, uid: UUID, name: str) -> JsonObject:
    return {
        "id": str(uid),
        "name": name,
        "month": month_text(statement.first),
        "currency": CURRENCY,
        "opening_balance": btc_text(statement.opening_sat),
        "closing_balance": btc_text(statement.closing_sat),
        "totals": [
            {
                "type": row["type"],
                "direction": row["direction"],
                "amount": btc_text(row["amount_sat"]),
                "payments": row["payments"],
            }
            for row in statement.totals
        ],
        "payments": [Payment.from_row(row) for row in statement.lines],
    }


def statement_csv(statement: Statement) -> bytes:
    """The columns of an export of payments, with the direction and the balance after each."""
    rows = [(*COLUMNS, "direction", "balance")]
    for row, balance_sat in _balances(statement):
        rows.append((*payment_line(row), row["direction"], btc_text(balance_sat)))
    return lines_of(rows)


def statement_html(statement: Statement, *, name: str) -> str:
    """One file without scripts; colours and borders survive a black and white printer."""
    month = month_text(statement.first)
    rows = "".join(
        _table_row(
            time_text(row["created_at"]),
            time_text(row["effective_at"])[:10],
            _label(row["type"]),
            row["tx_hash"] or row["description"] or "",
            hashrate_text(row),
            _signed(row),
            btc_text(balance_sat),
        )
        for row, balance_sat in _balances(statement)
    )
    totals = "".join(
        _table_row(_label(row["type"]), row["direction"], str(row["payments"]), _signed(row))
        for row in statement.totals
    )
    return _PAGE.format(
        title=f"{escape(name)} · {month}",
        opening=btc_text(statement.opening_sat),
        closing=btc_text(statement.closing_sat),
        currency=CURRENCY,
        totals=totals,
        rows=rows,
    )


def month_text(first: dt.date) -> str:
    return f"{first.year:04}-{first.month:02}"


def _balances(statement: Statement) -> Iterator[tuple[Row, int]]:
    balance_sat = statement.opening_sat
    for row in statement.lines:
        balance_sat += row["amount_sat"] if row["direction"] == "incoming" else -row["amount_sat"]
        yield row, balance_sat


def _signed(row: Row) -> str:
    return btc_text(row["amount_sat"] if row["direction"] == "incoming" else -row["amount_sat"])


def _label(kind: str) -> str:
    return kind.replace("_", " ")


def _table_row(*cells: Any) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Statement {title}</title>
<style>
  @page {{ size: A4 landscape; margin: 15mm }}
  body {{ font: 10pt/1.4 system-ui, sans-serif; color: #111; max-width: 280mm; margin: 8mm auto }}
  h1 {{ font-size: 16pt }}
  table {{ border-collapse: collapse; width: 100%; margin: 4mm 0 8mm }}
  thead {{ display: table-header-group }}
  tr {{ break-inside: avoid }}
  th, td {{ border-bottom: 1px solid #bbb; padding: 1mm 2mm; text-align: left }}
  td {{ overflow-wrap: anywhere; font-variant-numeric: tabular-nums }}
  th.amount, td:nth-last-child(-n+2) {{ text-align: right; white-space: nowrap }}
</style>
<h1>Statement {title}</h1>
<p>Opening balance {opening} {currency} · closing balance {closing} {currency} · all times UTC</p>
<table>
  <thead><tr><th>Type</th><th>Direction</th><th class="amount">Payments</th>
  <th class="amount">Amount</th></tr></thead>
  <tbody>{totals}</tbody>
</table>
<table>
  <thead><tr><th>Booked</th><th>For</th><th>Type</th><th>Description</th><th>Hashrate, H/s</th>
  <th class="amount">Amount</th><th class="amount">Balance</th></tr></thead>
  <tbody>{rows}</tbody>
</table>
</html>
"""
