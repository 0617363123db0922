"""One definition of each rollup: the migrations hold the SELECTs of schemas/rollups.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.rollups import FAMILIES, SUM_COLUMNS, Family, rollup_select
from schemas.windows import LEVELS, LevelSpec

MIGRATIONS = Path(__file__).parents[3] / "deploy" / "migrations"
EACH_LEVEL = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
EACH_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@EACH_FAMILY
@EACH_LEVEL
def test_continuous_aggregates_are_the_one_definition(family: Family, level: LevelSpec) -> None:
    text = (MIGRATIONS / "0005_rollups.timescale.sql").read_text("utf-8")
    found = re.search(
        rf"exists {family.relation(level.name)}\nwith \((?P<options>[^)]*)\)\n"
        r"as (?P<select>.*?)\nwith no data;",
        text,
        re.DOTALL,
    )
    assert found is not None
    assert found["select"].split() == rollup_select(family, level).split()
    assert "timescaledb.materialized_only = false" in found["options"]
    assert "timescaledb.create_group_indexes = false" in found["options"]


@EACH_FAMILY
@EACH_LEVEL
def test_tables_have_the_columns_of_the_definition(family: Family, level: LevelSpec) -> None:
    text = (MIGRATIONS / "0005_rollups.plain.sql").read_text("utf-8")
    found = re.search(rf"create table {family.relation(level.name)} \((.*?)\n\);", text, re.DOTALL)
    assert found is not None
    columns = [line.split()[0] for line in found[1].strip().splitlines()]
    assert columns == ["bucket", family.key, *SUM_COLUMNS, "primary"]
