"""The position file: what is forgotten of streams that are gone, and what is not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ingest.feeds.position import Positions, Span

MONTH_S = 31 * 86_400


def used_long_ago(path: Path, *streams: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for stream in streams:
            db.execute("update streams set used_s = used_s - ? where stream = ?", (MONTH_S, stream))


def test_streams_that_are_gone_for_a_month_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "position"
    with Positions(path) as positions:
        for stream in ("gone", "there", "recent", "planned"):
            positions.plan([Span(stream, 0, 500)])
            positions.acknowledge([Span(stream, 0, 500)])
        positions.plan([Span("planned", 500, 800)])
    used_long_ago(path, "gone", "there", "planned")
    with Positions(path) as positions:
        assert positions.forget(["there"]) == 1
        assert positions.next("gone") is None
        assert [positions.next(each) for each in ("there", "recent", "planned")] == [500] * 3
        assert positions.planned() == [Span("planned", 500, 800)]
        assert positions.forget(["there"]) == 0


def test_a_stream_that_grows_is_kept_whatever_its_age(tmp_path: Path) -> None:
    path = tmp_path / "position"
    with Positions(path) as positions:
        positions.partition("old", 2)
        positions.acknowledge([Span("old", 0, 10)])
    used_long_ago(path, "old")
    with Positions(path) as positions:
        positions.acknowledge([Span("old", 10, 20)])
        assert positions.forget([]) == 0
        assert (positions.next("old"), positions.partition("old", 0)) == (20, 2)
