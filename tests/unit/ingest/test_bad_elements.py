"""A table: one bad element between two good shares, in every shape of a message → its outcome.

It costs itself only, whatever it is; and what a miner can type never counts against the limit of
unreadable messages, not even when it stands alone.
"""

from __future__ import annotations

import pytest

from ingest.decode.decoder import Decoded, Decoder
from ingest.kafka.record import PlainRecord
from schemas.topics import InvalidReason

NOW_MS = 1_800_000_000_000
SHARE, NAME = InvalidReason.MALFORMED_SHARE, InvalidReason.BAD_WORKER_NAME
NUMBER = InvalidReason.BAD_DIFFICULTY


def share(worker: str = "rig", difficulty: str = "8", timestamp: object = NOW_MS) -> bytes:
    return (
        f'{{"timestamp":{timestamp},"account_name":"alice","worker_name":"{worker}",'
        f'"difficulty":{difficulty},"result":"accepted"}}'
    ).encode()


# (what, the element, why it does not count)
BAD_ELEMENTS = (
    ("first half of a pair", share("rig\\ud83d"), NAME),
    ("second half of a pair", share("\\udc00rig"), NAME),
    ("two second halves", share("a\\ude00\\ude00"), NAME),
    ("half and a letter", share("a\\ud800\\u0041"), NAME),
    ("control character", share("r\x01"), NAME),
    ("bytes of no text", share().replace(b'"rig"', b'"rig\xff\xfe"'), NAME),
    ("overlong bytes", share().replace(b'"rig"', b'"rig\xc0\xaf"'), NAME),
    ("half a pair in bytes", share().replace(b'"rig"', b'"rig\xed\xa0\xbd"'), NAME),
    ("NaN", share(difficulty="NaN"), NUMBER),
    ("Infinity", share(difficulty="Infinity"), NUMBER),
    ("minus Infinity", share(difficulty="-Infinity"), NUMBER),
    ("too large a number", share(difficulty="1e999"), NUMBER),
    ("zeros before", share(difficulty="08"), SHARE),
    ("no digit before the point", share(difficulty=".5"), SHARE),
    ("no digit after the point", share(difficulty="5."), SHARE),
    ("comma", share(difficulty="0,5"), SHARE),
    ("plus", share(difficulty="+5"), SHARE),
    ("hexadecimal", share(difficulty="0x10"), SHARE),
    ("grouped digits", share(difficulty="1_000"), SHARE),
    ("undefined", share(difficulty="undefined"), SHARE),
    ("None of Python", share(difficulty="None"), SHARE),
    ("unknown escape", share("r\\x41"), SHARE),
    ("half an escape", share("r\\u12"), SHARE),
    ("first half before a whole pair", share("\\ud83d\\ud83d\\ude00"), NAME),
    ("escaped zero", share("a\\u0000"), NAME),
    ("escaped line break", share("a\\n"), NAME),
    ("Latin-1", share().replace(b'"rig"', b'"r\xe9g"'), NAME),
    ("Windows-1251", share().replace(b'"rig"', '"риг"'.encode("cp1251")), NAME),
    ("UTF-8 of five bytes", share().replace(b'"rig"', b'"r\xf8\x88\x80\x80\x80"'), NAME),
    ("above the last code point", share().replace(b'"rig"', b'"r\xf4\x90\x80\x80"'), NAME),
    ("a name of 100,000 halves", share("\\ud83d" * 100_000), NAME),
    ("minus nothing", share(difficulty="-0"), NUMBER),
    ("below zero", share(difficulty="-8"), NUMBER),
    ("too small a number", share(difficulty="1e-400"), NUMBER),
    ("400 digits", share(difficulty="9" * 400), NUMBER),
    ("a million digits", share(difficulty="9" * 1_000_000), NUMBER),
    ("lower case nan", share(difficulty="nan"), SHARE),
    ("minus NaN", share(difficulty="-NaN"), SHARE),
    ("no exponent", share(difficulty="1e"), SHARE),
    ("two signs", share(difficulty="--1"), SHARE),
    ("binary", share(difficulty="0b11"), SHARE),
    ("octal", share(difficulty="0o17"), SHARE),
    ("Arabic digit", share(difficulty="٨"), SHARE),
    ("full-width digit", share(difficulty="８"), SHARE),
    ("blank between digits", share(difficulty="1 000"), SHARE),
    ("time before 1970", share(timestamp=-NOW_MS), InvalidReason.BAD_TIMESTAMP),
    ("half a millisecond", share(timestamp=f"{NOW_MS}.5"), InvalidReason.BAD_TIMESTAMP),
    ("time beyond every calendar", share(timestamp=2**64), InvalidReason.BAD_TIMESTAMP),
    ("time with a zero before", share(timestamp=f"0{NOW_MS}"), SHARE),
    ("comment after", share() + b" // mine", SHARE),
    ("comma before the end", share()[:-1] + b",}", SHARE),
    ("torn", share()[:40], SHARE),
)
TABLE = pytest.mark.parametrize(
    ("bad", "reason"), [each[1:] for each in BAD_ELEMENTS], ids=[each[0] for each in BAD_ELEMENTS]
)


def decoded(value: bytes, content_type: bytes | None = None) -> Decoded:
    headers = () if content_type is None else (("content-type", content_type),)
    return Decoder().decode([PlainRecord(value, headers, NOW_MS)], now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("before", "between", "after"),
    [(b"[", b",", b"]"), (b"", b"\n", b"\n")],
    ids=["array", "lines"],
)
@TABLE
def test_a_bad_element_costs_itself_only(
    bad: bytes, reason: InvalidReason, before: bytes, between: bytes, after: bytes
) -> None:
    found = decoded(before + between.join((share("rig1"), bad, share("rig2"))) + after)
    assert [name for _, name in found.batch.workers] == ["rig1", "rig2"]
    ((only),) = found.invalid
    assert (only.reason, only.shares) == (reason, (1,))
    assert found.undecodable == []


@TABLE
def test_alone_it_is_no_reason_to_stop(bad: bytes, reason: InvalidReason) -> None:
    found = decoded(bad)
    assert len(found.batch) == 0
    ((only),) = found.invalid
    # Only a message that ends in the middle is no JSON at all: nobody can type that.
    assert bool(found.undecodable) == (bad == share()[:40])
    assert only.reason is (InvalidReason.MALFORMED_JSON if found.undecodable else reason)


@pytest.mark.parametrize(
    "timestamp",
    ["1800000000000.0", "1.8e+12", "1.8E12", "18e11", "1800000000000.000", "1.800000000000e12"],
)
def test_numbers_are_those_of_the_published_schema(timestamp: str) -> None:
    assert decoded(share(timestamp=timestamp)).batch.timestamp_ms.tolist() == [NOW_MS]


BOM, ZEROS = b"\xef\xbb\xbf", bytes(50)


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (BOM + share(), 1),
        (BOM + b"[" + share() + b"," + share() + b"]", 2),
        (ZEROS + share() + b"\n" + share(), 2),
        (share() + b"\n" + ZEROS + share() + b"\n", 2),
        (share() + b"\n" + ZEROS, 1),
        (share()[:40] + share() + b"\n" + share(), 2),
        (share() + b"\r\n" + share() + b"\r\n", 2),
        (share() + share(), 2),
        (b"[" + share() + b",," + share() + b"]", 2),
        (b"[" + share() + b"," + share(), 2),
        (b"[" + share() + b",]", 1),
        (share() + b",\n" + share() + b",\n", 2),
        (b"[" + share() + b"]\n[" + share() + b"," + share() + b"]\n", 3),
        (b"[" + share() + b"][" + share() + b"]", 2),
        (b"[" + share() + b"]]" + share(), 2),
        (b"[" + share() + b" " + share() + b"]", 2),
        (b"[" + share() + b";" + share() + b"]", 2),
        (b"[" + share() + b"," + BOM + share() + b"]", 2),
        (b"[" + share() + b"," + ZEROS[:9] + share() + b"]", 2),
        (b"\x1e" + share() + b"\n\x1e" + share() + b"\n", 2),
        (share() + "\u2028".encode() + share(), 2),
        (share() + b"\xff\xff" + share(), 2),
        (share() + b"\r" + share(), 2),
        (share("}{") + b"," + share("],["), 2),
        (share(difficulty="NaN")[:-1] + b',"z":[' + share() + b"," + share() + b"]}", 0),
        (share().decode().encode("utf-16"), 0),
        (share().decode().encode("utf-16-be"), 0),
        (share().decode().encode("utf-32"), 0),
    ],
    ids=[
        "byte order mark", "and an array", "zeros before", "zeros between", "zeros after",
        "torn line before", "carriage returns", "no line break", "two commas", "no end",
        "comma before the end", "commas after lines", "lines of arrays", "two arrays",
        "an end too many", "blanks for commas", "semicolons", "byte order mark between",
        "zeros between elements", "text sequence", "line separator", "bytes of no text between",
        "old Macintosh", "brackets in names", "records inside a bad record", "UTF-16", "UTF-16 BE",
        "UTF-32",
    ],
)  # fmt: skip
def test_whole_records_count(value: bytes, whole: int) -> None:
    assert len(decoded(value).batch) == whole


@pytest.mark.parametrize(
    "content_type", [b"application/x-ndjson", b"application/x-ndjson; charset=utf-8"]
)
def test_lines_have_a_type_of_their_own(content_type: bytes) -> None:
    assert len(decoded(share() + b"\n" + share(), content_type).batch) == 2
