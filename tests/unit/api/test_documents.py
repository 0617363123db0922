"""Markdown as a page: links, titles, nothing that a document could run."""

from __future__ import annotations

from query_api.web.documents import documents


def test_links_lead_to_pages_alone(tmp_path):
    written = (
        "# A & B\n\n[one](other.md) [two](other.md#here) [three](../deploy/README.md) <b>x</b>\n"
    )
    (tmp_path / "one.md").write_text(written, encoding="utf-8")
    contents, one = documents(tmp_path)
    assert '<a href="one">A &amp; B</a>' in contents.body
    assert one.title == "A & B"
    assert 'href="other"' in one.body
    assert 'href="other#here"' in one.body
    assert "deploy" not in one.body
    assert "<b>" not in one.body


def test_headings_have_the_anchors_of_github(tmp_path):
    (tmp_path / "one.md").write_text("# One\n\n## Behind `nginx`, with TLS\n", encoding="utf-8")
    _, one = documents(tmp_path)
    assert '<h2 id="behind-nginx-with-tls">' in one.body


def test_an_empty_corner_is_no_header(tmp_path):
    (tmp_path / "one.md").write_text("# One\n\n| | A |\n|---|---|\n| b | c |\n", encoding="utf-8")
    _, one = documents(tmp_path)
    assert one.body.count("<th>") == 1


def test_without_a_folder_there_are_none(tmp_path):
    assert documents(tmp_path / "nowhere") == []
