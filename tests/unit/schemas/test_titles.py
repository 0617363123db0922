"""Titles hold nothing that a terminal obeys or that turns the text around them."""

from __future__ import annotations

import re

import pytest
from pydantic import TypeAdapter, ValidationError

from query_api.admin.accounts import AccountsError, read_lines
from query_api.contract.requests import Title
from schemas.names.titles import ONE_LINE, as_kept, good_title

BAD = [
    "\x00", "a\x1b[2J", "a\x7f", "\x85", "a\x9b31m", "\x9d0;x\x9c", "rig\u202e1", "\u2066a",
    "a\u2069", "\u200fa", "a\u200e", "\u061ca", "a\u2028b", "a\u2029b", "a\nb", "\t",
]  # fmt: skip
GOOD = ["Hall 3", "Зал 3", "אולם", "工場", "a/b: <c> & 'd' \"e\"", "é", "👷", "a\u00a0b"]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_title_is_refused_everywhere(text: str) -> None:
    assert not good_title(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Title).validate_python(text)
    if "\n" not in text and text.strip() == text and "\u2028" not in text:
        for column in ("pool", "operator", "title"):
            values = {"pool": "P", "operator": "O", "title": "T"} | {column: text}
            line = ",".join(values.values())
            with pytest.raises(AccountsError, match=column):
                read_lines(["pool,operator,title", line])


@pytest.mark.parametrize("text", GOOD)
def test_any_script_is_a_title(text: str) -> None:
    assert good_title(text)
    assert TypeAdapter(Title).validate_python(text) == text


@pytest.mark.parametrize("text", [" ", "\u3000", "\u200b", "\ufeff\u2060", "\u00ad"])
def test_what_shows_nothing_is_no_title(text: str) -> None:
    assert as_kept(text) == ""
    with pytest.raises(ValidationError):
        TypeAdapter(Title).validate_python(text)


@pytest.mark.parametrize("text", ["José", "Jose\u0301", " José\u00a0", "\ufeffJosé\u200b"])
def test_one_name_is_one_title_however_it_is_typed(text: str) -> None:
    assert TypeAdapter(Title).validate_python(text) == "José"
    assert read_lines(["pool", text])[0].pool == "José"


def test_the_rule_is_one_that_every_reader_of_the_document_knows() -> None:
    assert re.compile(ONE_LINE)
    assert not good_title("")
    assert not good_title("x" * 301)
