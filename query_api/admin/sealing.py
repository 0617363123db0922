"""Stored secrets sealed anew: after the first key was set, or another one came before it."""

from __future__ import annotations

from typing import Final

import asyncpg

from schemas.runtime.named_sql import load
from schemas.sealing import Seal

SQL: Final = load("query_api", "sql/admin.sql")


async def reseal(url: str, seal: Seal) -> int:
    """How many there are. SealedError if one of them needs a key that is not there; then nothing
    was changed."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            rows = await connection.fetch(SQL["sealed_secrets"])
            for row in rows:
                sealed = seal.seal(seal.open(row["stored"]))
                statement = SQL[f"reseal_{row['relation']}_{row['name']}"]
                await connection.execute(statement, row["key"], row["stored"], sealed)
    finally:
        await connection.close()
    return len(rows)
