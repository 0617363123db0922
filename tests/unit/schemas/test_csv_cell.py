"""Text that a spreadsheet would compute, in every CSV that the service writes."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable

import pandas as pd
import pytest

from query_api.http import tables
from query_api.telemetry import reports
from schemas.names.csv_cell import csv_cell

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\t=", "\r\n=")
BEFORE = ("", " ", "   ", '"', '" "', '""', "\u00a0", "\u3000", "\ufeff", "\u200b")
HARMLESS = ("rig-1", "1=1", "a@b", "'=1", "rig", "", " rig", '"rig"', "1,5", "0x1F")


def of_list(text: str) -> str:
    (_, row) = _read(tables.as_csv([{"name": text, "hashrate": 1.5}]))
    return row[0]


def of_report(text: str) -> str:
    row = {"account_name": text, "worker_name": text}
    frame = pd.DataFrame([row | dict.fromkeys(set(reports.CSV_HEADER) - {*row, "date"}, 1.0)])
    piece = reports.Piece(dt.date(2026, 11, 1), frame, first=True, last=True)
    (found,) = _read(reports._csv_lines(piece))
    cells = dict(zip(reports.CSV_HEADER, found, strict=True))
    assert cells["account_name"] == cells["worker_name"]
    return cells["worker_name"]


@pytest.mark.parametrize("written", [csv_cell, of_list, of_report])
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("start", STARTS)
def test_what_would_be_computed_is_text(
    start: str, before: str, written: Callable[[str], str]
) -> None:
    text = f"{before}{start}HYPERLINK(1)"
    assert written(text) == f"'{text}"


@pytest.mark.parametrize("written", [csv_cell, of_list, of_report])
@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text: str, written: Callable[[str], str]) -> None:
    assert written(text) == text


def _read(lines: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(lines.decode(), newline="")))
