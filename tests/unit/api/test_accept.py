"""Which format an `Accept` header gets."""

from __future__ import annotations

import pytest

from query_api.http.accept import CSV, HTML, JSON, PARQUET, preferred


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("text/csv, */*;q=0.1", CSV),
        ("*/*;q=0.1,text/csv", CSV),
        ("text/csv;q=0, application/json", JSON),
        ("text/csv;q=0", JSON),
        ("application/json, text/csv;q=0.5", JSON),
        ("application/json, text/csv", JSON),
        ("text/csv, application/json", CSV),
        ("text/csv;q=0.4, application/vnd.apache.parquet;q=0.5", PARQUET),
        ("text/csvx", JSON),
        ("image/png", JSON),
        ("text/csv;q=high", JSON),
        (",;,", JSON),
    ],
)
def test_the_format_that_is_wanted_most(accept: str, kind: str) -> None:
    assert preferred(accept, CSV, PARQUET) == kind


def test_a_browser_that_opens_an_address_gets_a_page_where_there_is_one() -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    assert preferred(browser, HTML, CSV) == HTML
    assert preferred(browser, CSV, PARQUET) == JSON
