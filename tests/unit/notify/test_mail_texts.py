"""Catalogues are complete in each language, and names in messages are harmless."""

from __future__ import annotations

import string
from dataclasses import fields
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from aggregator.notify.catalogue import CATALOGUES, FACTS, Catalogue, catalogue_of
from aggregator.notify.config import EmailConfig
from aggregator.notify.email.message import Mail, compose
from aggregator.notify.names import code, unlinked, visible
from schemas.messages.notifications import FIELDS, NOTICES, PREFERENCES, Channel, MailKind
from schemas.worker import WorkerStatus

ENGLISH = CATALOGUES["en"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", CATALOGUES)
def test_catalogue_is_complete(language: str) -> None:
    catalogue = CATALOGUES[language]
    assert set(catalogue.subjects) == set(catalogue.sentences) == set(MailKind)
    assert set(catalogue.statuses) == set(WorkerStatus)
    assert set(catalogue.labels) == {name for names in FACTS.values() for name in names}
    for field in fields(Catalogue):
        ours, english = getattr(catalogue, field.name), getattr(ENGLISH, field.name)
        texts = ours if isinstance(ours, str) else list(ours.values())
        assert all(texts)
        if isinstance(ours, str):
            assert placeholders(ours) == placeholders(english)
        else:
            assert ours.keys() == english.keys()
            for key in ours:
                assert placeholders(ours[key]) == placeholders(english[key])


def test_russian_is_not_english() -> None:
    russian = CATALOGUES["ru"]
    for kind in MailKind:
        assert russian.sentences[kind] != ENGLISH.sentences[kind]


@pytest.mark.parametrize(
    ("language", "stage", "line"),
    [
        ("en", "broadcast", "Status: sent, waits for confirmations"),
        ("en", "final", "Status: confirmed for good"),
        ("ru", "final", "Состояние: подтверждена"),
        ("en", "evil.example", "Status: evil\u200b.example"),
    ],
)
def test_mail_of_a_payout_says_how_far_it_is(language: str, stage: str, line: str) -> None:
    names = ("payment_id", "currency", "amount", "address", "tx_hash")
    facts = dict.fromkeys(names, "1") | {"status": stage}
    at = datetime(2026, 11, 28, tzinfo=UTC)
    mail = Mail(1, "payment-payout", "ada@example.com", language, facts, uuid4(), at)
    body = compose(mail, EmailConfig(sender="pool@example.com")).get_body(("plain",))
    assert body is not None
    assert line.replace("\u200b", "") in body.get_content().replace("\u200b", "").splitlines()


def test_unknown_language_is_english() -> None:
    assert catalogue_of("tlh") is ENGLISH


def test_every_kind_has_its_fields_and_every_notice_its_switch() -> None:
    assert set(FIELDS) == set(FACTS) == set(MailKind)
    switches = {one.key for one in PREFERENCES if one.channel is Channel.EMAIL}
    assert {spec.key for spec in NOTICES} <= switches


@pytest.mark.parametrize(
    "name",
    ["https://evil.example/x", "evil.example", "@somebody", "me@evil.example", "#tag", "/start"],
)
def test_name_is_no_link(name: str) -> None:
    assert code(name) == f"<code>{name}</code>"
    shown = unlinked(name)
    assert shown != name
    assert shown.replace("\u200b", "") == name


@pytest.mark.parametrize("control", ["\u202e", "\u2066", "\x85", "\x1b", "\n", "\u2028", "\u200f"])
def test_control_characters_are_visible(control: str) -> None:
    assert visible(f"rig{control}1") == "rig\ufffd1"


def test_name_from_right_to_left_keeps_that_to_itself() -> None:
    assert visible("\u05d0\u05d1") == "\u2068\u05d0\u05d1\u2069"
    assert visible("rig-01") == "rig-01"
