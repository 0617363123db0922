"""No sentence of the page stands in a component: all of them come from the catalogues."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from query_api.web.pages import DIST

pytestmark = pytest.mark.browser

WEB = DIST.parent
ESBUILD = WEB / "node_modules" / ".bin" / "esbuild"
COMPONENTS = sorted(
    path for path in (WEB / "src").rglob("*.tsx") if "text" not in path.relative_to(WEB).parts
)

STRING = r'"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`'
TOKEN = re.compile(rf"({STRING}|[\w$]+)(\s*:)?|[^\s]", re.S)
SHOWN = {
    *("children", "title", "aria-label", "placeholder", "alt"),
    *("label", "sure", "prefix", "empty"),
}
"""Properties whose texts a person reads."""
SAME_EVERYWHERE = {"Hashgauge", "BTC", "https://", "sat/vB", "U+", "CSV", "Parquet"}
"""Names and units."""


@dataclass
class _Place:
    shown: bool = False
    """Whether a text here is read by a person."""
    list: bool = False
    """Whether a comma leads to another of the same."""
    verbatim: bool = False
    """What is typed into a terminal is the same in every language."""


def shown_literals(source: str) -> Iterator[str]:
    """The string literals that a component shows, of its code without JSX.

    >>> list(shown_literals('jsx("p", { class: "big", children: a === "x" ? "Yes" : [b, "No"] })'))
    ['Yes', 'No']
    """
    outer, here, before = [_Place()], _Place(), ["", ""]
    for match in TOKEN.finditer(source):
        token, text, named = match[0], match[1], match[2]
        called = re.fullmatch(r"[\w$]+|[)\]]", before[1]) is not None and before[1] != "return"
        if token in ("(", "[", "{"):
            outer.append(here)
            verbatim = here.verbatim or (before[0] in ('"code"', '"pre"') and before[1] == ",")
            inherited = here.shown and token != "{" and not called
            here = _Place(inherited, inherited, verbatim)
        elif token in (")", "]", "}"):
            here = outer.pop()
        elif token == "," and not here.list:
            here.shown = False
        elif named and not here.list and text.strip('"') in SHOWN:
            here.shown = not here.verbatim
        elif text and text[0] in '"`' and here.shown and before[1] != "=":
            yield re.sub(r"\$\{[^}]*\}", "", text[1:-1])
        before = [before[1], token]


def compiled(path: Path) -> str:
    options = ["--loader=tsx", "--jsx=automatic", "--jsx-import-source=preact", "--charset=utf8"]
    source = path.read_text(encoding="utf-8")
    return subprocess.run(
        [ESBUILD, *options], input=source, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.name)
def test_a_component_has_no_text_of_its_own(path: Path):
    literal = [
        text
        for text in shown_literals(compiled(path))
        if re.search(r"[^\W\d_]{2}", text) and text.strip() not in SAME_EVERYWHERE
    ]
    assert literal == []
