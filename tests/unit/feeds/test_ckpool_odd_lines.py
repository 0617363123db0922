"""A table: one odd line between two good ones of a ckpool log → how it is counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ingest.feeds.ckpool import CkpoolFeed
from ingest.history.ckpool import CkpoolHistory
from schemas.runtime.clock import ManualClock
from tests.unit.feeds.ckpool_log import DedupingSink, config, line

CLOCK = ManualClock(1_800_000_000_000)
ODD, COUNTS = line(2), ""

# (what, the line, why it is skipped; empty: it counts)
LINES = (
    ("carriage return", ODD[:-1] + b"\r\n", COUNTS),
    ("byte order mark", b"\xef\xbb\xbf" + ODD, COUNTS),
    ("zeros of a crash before it", bytes(4_000) + ODD, COUNTS),
    ("torn record before it", ODD[:50] + ODD, COUNTS),
    ("torn in a name of bad UTF-8", ODD[:40] + b"\xff\xfe" + ODD, COUNTS),
    ("Latin-1 in the name", ODD.replace(b"acct.rig", b"acct.r\xe9g"), COUNTS),
    ("spaces around", b"  " + ODD[:-1] + b" \t\n", COUNTS),
    ("torn", ODD[:70] + b"\n", "malformed_json"),
    ("zeros alone", bytes(4_000) + b"\n", "malformed_json"),
    ("UTF-16", ODD[:-1].decode().encode("utf-16-be") + b"\n", "malformed_json"),
    ("half a surrogate pair", ODD.replace(b"acct.rig", b"acct.r\\ud83d"), COUNTS),
    ("control character in the name", ODD.replace(b"acct.rig", b"acct.r\x01g"), COUNTS),
    ("the beginning of a record in the name", line(2, worker="acct.a}{"), COUNTS),
    ("NaN of what is never summed", ODD[:-2] + b',"sdiff":NaN}\n', COUNTS),
    ("comma after it", ODD[:-1] + b",\n", COUNTS),
    ("NaN", ODD.replace(b'"diff":2.0', b'"diff":NaN'), "malformed_json"),
    ("Infinity", ODD.replace(b'"diff":2.0', b'"diff":Infinity'), "malformed_json"),
    ("comma as point", ODD.replace(b'"diff":2.0', b'"diff":2,0'), "malformed_json"),
    ("difficulty as text", line(2, diff="2.0"), "wrong_fields"),
    ("no difficulty", line(2, diff=None), "wrong_fields"),
    ("date as a number", line(2, createdate=1_795_456_802), "wrong_fields"),
    ("an array", b"[" + ODD[:-1] + b"]\n", "wrong_fields"),
    ("date before 1970", line(2, createdate="-5,0"), "bad_createdate"),
    ("date with a point", line(2, createdate="1795456802.5"), "bad_createdate"),
    ("date of other digits", line(2, createdate="١٧٩٥,0"), "bad_createdate"),
    ("date without end", line(2, createdate="9" * 40 + ",0"), "bad_createdate"),
    ("white space", b" \t \r\n", "empty_line"),
)


@pytest.mark.parametrize(
    ("odd", "skipped"), [each[1:] for each in LINES], ids=[each[0] for each in LINES]
)
async def test_an_odd_line_costs_itself_at_most(tmp_path: Path, odd: bytes, skipped: str) -> None:
    log = tmp_path / "logs/00000001/a.sharelog"
    log.parent.mkdir(parents=True)
    log.write_bytes(line(1) + odd + line(3))
    sink = DedupingSink()
    summary = await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink, clock=CLOCK).run(
        asyncio.Event()
    )
    expected = [1, 3] if skipped else [1, 2, 3]
    assert [share.timestamp_ms // 1_000 % 10 for share in sink.shares()] == expected
    assert dict(summary.skipped) == ({skipped: 1} if skipped else {})
    assert summary.read == summary.sent + summary.skipped.total() == 3


@pytest.mark.parametrize("minutes", [0, 5], ids=["same minute", "another"])
async def test_records_without_a_line_end_between_them_all_count(
    tmp_path: Path, minutes: int
) -> None:
    log = tmp_path / "logs/00000001/a.sharelog"
    log.parent.mkdir(parents=True)
    later = line(3, at_s=1_795_456_800 + 60 * minutes)
    log.write_bytes(line(1) + line(2)[:-1] + later[:-1] + line(4)[:60] + b"\n" + line(5))
    sink = DedupingSink()
    for _ in range(2):
        summary = await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink, clock=CLOCK).run(
            asyncio.Event()
        )
        if summary.read:
            assert (summary.sent, dict(summary.skipped)) == (4, {"malformed_json": 1})
    assert sorted(share.timestamp_ms // 1_000 % 10 for share in sink.shares()) == [1, 2, 3, 5]
    assert sink.repeats == 0
    async with CkpoolHistory(tmp_path / "logs") as history:
        [chunk] = [chunk async for chunk in history.chunks({})]
    assert (len(chunk.batch), chunk.records) == (4, 5)


async def test_a_line_of_ten_megabytes_costs_itself_only(tmp_path: Path) -> None:
    log = tmp_path / "logs/00000001/a.sharelog"
    log.parent.mkdir(parents=True)
    log.write_bytes(line(1) + line(2, agent="x" * 10_000_000) + line(3))
    sink = DedupingSink()
    summary = await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink, clock=CLOCK).run(
        asyncio.Event()
    )
    assert [share.timestamp_ms // 1_000 % 10 for share in sink.shares()] == [1, 3]
    assert summary.skipped.total() > 0
