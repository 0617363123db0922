"""Scripts are cut at semicolons that end statements, and at no others."""

from __future__ import annotations

from deploy.database.statements import statements


def test_statements_come_in_order_without_semicolons_and_comments() -> None:
    script = "-- first; not a statement\nselect 1;\n\n/* and; */ select 2 ;;\nselect 3"
    assert statements(script) == ["select 1", "select 2", "select 3"]


def test_semicolons_inside_quotes_and_bodies_do_not_cut() -> None:
    body = "do $f$ begin perform 'a;b'; end $f$"
    assert statements(f"select 'it''s; fine', \"od;d\"; {body};") == [
        "select 'it''s; fine', \"od;d\"",
        body,
    ]


def test_operators_that_look_like_comments_or_tags_stay() -> None:
    assert statements("select 3 - 1, 4 / 2, $1;") == ["select 3 - 1, 4 / 2, $1"]
