"""Payments as CSV, with the columns of the document."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from query_api.contract.money.payments import hashrate_text, rate_text
from schemas.money import CURRENCY, btc_text

COLUMNS: Final = (
    "created_at",
    "effective_at",
    "type",
    "currency",
    "amount",
    "status",
    "hashrate",
    "rate",
    "tx_hash",
)


def time_text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")


def payment_line(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        time_text(row["created_at"]),
        time_text(row["effective_at"]),
        row["type"],
        CURRENCY,
        btc_text(row["amount_sat"]),
        row["status"],
        hashrate_text(row),
        rate_text(row),
        row["tx_hash"] or "",
    )


def lines_of(rows: Sequence[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


async def payment_lines(pieces: AsyncIterator[Sequence[Mapping[str, Any]]]) -> AsyncIterator[bytes]:
    """A header, then a line for each payment."""
    yield lines_of([COLUMNS])
    async for rows in pieces:
        yield lines_of([payment_line(row) for row in rows])
