"""The database's natural order is Python's, whatever a name holds."""

from __future__ import annotations

import random

import pytest

from schemas.names.natural_order import natural_key
from tests.integration.api.client import connected

pytestmark = pytest.mark.postgres

ODD_NAMES = (
    "0",
    "unit46",
    "rack7.unit0012",
    *("9" * digits for digits in (19, 20, 21, 40)),
    "x" + "0" * 30 + "5y6",
    "\N{ARABIC-INDIC DIGIT THREE}4",
    "1\n2",
    "\N{COLLISION SYMBOL}12",
)


async def test_keys_of_the_database_are_those_of_python(database_url: str) -> None:
    rng = random.Random(5)
    drawn = ["".join(rng.choices("0019ab.- é", k=rng.randint(1, 60))) for _ in range(2_000)]
    names = [*ODD_NAMES, *drawn]
    async with connected(database_url) as connection:
        rows = await connection.fetch(
            "select name, hashgauge_natural_key(name) as key from unnest($1::text[]) as name", names
        )
    assert len(rows) == len(names)
    assert [row["key"] for row in rows] == [natural_key(row["name"]) for row in rows]
