"""Names of any script: what counts as a letter, and how long a name is."""

from __future__ import annotations

import unicodedata

import pytest

from ingest.decode.decoder import Decoder
from ingest.kafka.record import PlainRecord
from schemas.codec import encode_json
from schemas.topics import InvalidReason
from tests.unit.ingest.bad_messages import NOW_MS
from tests.unit.ingest.decoding import decoded_shares, share


@pytest.mark.parametrize(
    "account", ["हिन्दी", "กิ่งไม้", "தமிழ்", "مُحَمَّد", "Nguye\u0302\u0303n"], ids=ascii
)
def test_accounts_have_marks_and_are_kept_composed(account: str) -> None:
    [found] = decoded_shares(encode_json([share(account_name=account)]))
    assert found.account_name == unicodedata.normalize("NFC", account)


@pytest.mark.parametrize(
    "account", ["\u0301\u0302\u0303", "abc\ufe0f", "a\u200db", "a\u034fbc"], ids=ascii
)
def test_accounts_neither_begin_with_a_mark_nor_hide_one(account: str) -> None:
    value = encode_json([share(account_name=account)])
    [invalid] = Decoder().decode([PlainRecord(value, [], NOW_MS)]).invalid
    assert [reason for _, reason in invalid.share_reasons()] == [InvalidReason.BAD_ACCOUNT_NAME]


def test_a_name_is_as_long_as_its_composed_form() -> None:
    long, longer = "e\u0301" * 64, "\u0958" * 64  # one of each becomes one character, or two
    [found] = decoded_shares(encode_json([share(worker_name=long)]))
    assert found.worker_name == "é" * 64
    value = encode_json([share(worker_name=longer)])
    [invalid] = Decoder().decode([PlainRecord(value, [], NOW_MS)]).invalid
    assert [reason for _, reason in invalid.share_reasons()] == [InvalidReason.BAD_WORKER_NAME]
