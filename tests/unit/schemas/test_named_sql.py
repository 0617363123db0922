"""Named SQL files: blocks by name, and what is refused."""

from __future__ import annotations

import pytest

from schemas.runtime.named_sql import load, parse

TEXT = """-- Statements of a test.

-- name: first
-- The first.
select 1;

-- name: second
-- Two lines.
select %(a)s
where true
"""


def test_blocks_are_found_by_name() -> None:
    statements = parse(TEXT)
    assert list(statements) == ["first", "second"]
    assert statements["first"] == "-- The first.\nselect 1"
    assert statements["second"].endswith("select %(a)s\nwhere true")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("select 1", "before the first"),
        ("-- name: a\nselect 1\n-- name: a\nselect 2", "a stands there twice"),
        ("-- name: a\n-- nothing\n", "a has no statement"),
    ],
)
def test_sloppy_files_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(text)


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        load("schemas", "no_such.sql")
