"""CSV exports with a bad line or a bad time: it costs itself only."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import FatalError
from ingest.history.hourly import HourlyHistory
from schemas.batch import shares_of

HEADER = "account,worker,hour,accepted\n"
GOOD = "alice,rig1,2025-11-03T07:00:00Z,5\n"


async def read(path: Path, text: str) -> tuple[list[str], dict[str, int]]:
    """The workers that have work, and what was refused."""
    path.write_bytes(text.encode())
    [chunk] = [chunk async for chunk in HourlyHistory([path]).chunks({})]
    return [share.worker_name for share in shares_of(chunk.batch)], dict(chunk.refused)


@pytest.mark.parametrize(
    ("line", "workers", "malformed"),
    [
        ('alice,"rig2,2025-11-03T07:00:00Z,5\n', ["rig1", "rig3"], 1),
        ('alice,rig2,"2025-11-\n', ["rig1", "rig3"], 1),
        ('"\n', ["rig1", "rig3"], 1),
        ('alice,ri"g2,2025-11-03T07:00:00Z,5\n', ["rig1", 'ri"g2', "rig3"], 0),
        ('alice,"ri""g2",2025-11-03T07:00:00Z,5\n', ["rig1", 'ri"g2', "rig3"], 0),
        ('alice,"a\nb",2025-11-03T07:00:00Z,5\n', ["rig1", "a_b", "rig3"], 0),
    ],
    ids=str,
)
async def test_a_quote_that_is_never_closed_costs_its_line(
    tmp_path: Path, line: str, workers: list[str], malformed: int
) -> None:
    text = HEADER + GOOD + line + GOOD.replace("rig1", "rig3")
    found, refused = await read(tmp_path / "a.csv", text)
    assert [name.partition("~")[0] for name in found] == workers
    assert refused == ({"malformed_line": malformed} if malformed else {})


@pytest.mark.parametrize("hour", ["03.11.2025 07:00", "2025-11-03 07:00:00 CET", "soon", ""])
async def test_a_file_without_one_time_that_can_be_read_is_counted(
    tmp_path: Path, hour: str
) -> None:
    found, refused = await read(tmp_path / "a.csv", f"{HEADER}alice,rig1,{hour},5\n")
    assert (found, refused) == ([], {"bad_timestamp": 1})


async def test_a_file_of_dates_alone_is_read(tmp_path: Path) -> None:
    assert await read(tmp_path / "a.csv", f"{HEADER}alice,rig1,2025-11-03,5\n") == (["rig1"], {})


def test_line_ends_of_an_old_mac_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mac.csv"
    path.write_bytes((HEADER + GOOD).replace("\n", "\r").encode())
    with pytest.raises(FatalError, match=r"mac\.csv is no CSV file"):
        HourlyHistory([path])
