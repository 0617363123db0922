"""The documents for users as pages: Markdown that was built in, rendered once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

CONTENTS: Final = "contents"
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Document:
    name: str
    """Of its page: `first-hour`."""
    title: str
    body: str
    """HTML; what is HTML in the Markdown stands there as text."""


def documents(folder: Path) -> list[Document]:
    """All of a folder, after a page with the contents; none without the folder."""
    found = sorted((_document(path) for path in folder.glob("*.md")), key=lambda one: one.title)
    return [_contents(found), *found] if found else []


def _contents(found: list[Document]) -> Document:
    links = (f'<li><a href="{one.name}">{escape(one.title)}</a></li>' for one in found)
    return Document(CONTENTS, "Documents", f"<h1>Documents</h1>\n<ul>{''.join(links)}</ul>")


def _document(path: Path) -> Document:
    tokens = _MARKDOWN.parse(path.read_text(encoding="utf-8"))
    headings = list(_headings(tokens))
    title = next((text for level, text in headings if level == "h1"), path.stem)
    for token in tokens:
        for link in token.children or ():
            if link.type == "link_open":
                _lead_to_a_page(link)
        if token.type in ("table_open", "fence"):
            token.attrSet("tabindex", "0")
    _empty_cells(tokens)
    return Document(path.stem, title, _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def _headings(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    """Level and text of each, which gets the anchor that links on GitHub have."""
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open":
            text = "".join(part.content for part in content.children or ())
            heading.attrSet("id", re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-"))
            yield heading.tag, text


def _empty_cells(tokens: list[Token]) -> None:
    """A table's corner without a word heads no column."""
    for begin, content, end in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if begin.type == "th_open" and not content.content:
            begin.tag = end.tag = "td"


def _lead_to_a_page(link: Token) -> None:
    """To another document by its page's name. What lies elsewhere in the repository is not served:
    its link goes nowhere."""
    href = str(link.attrGet("href") or "")
    if href.startswith("../"):
        del link.attrs["href"]
    elif "://" not in href:
        link.attrSet("href", re.sub(r"\.md(?=#|$)", "", href))
