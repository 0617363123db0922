"""Decoding good messages, mixed fetches, and the edges of what is good."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

from ingest.decode.decoder import DecodeConfig, Decoder
from ingest.decode.validate import TimeLimits
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.batch import batch_of, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from schemas.topics import InvalidReason
from tests.unit.ingest.bad_messages import EXAMPLES, GOOD, NOW_MS, bad_messages
from tests.unit.ingest.decoding import ARROW, arrow, decoded_shares, share

HOUR_MS = 3_600_000
SCHEMA = json.loads((EXAMPLES.parent / "share.schema.json").read_text())


JSON = [(topics.CONTENT_TYPE, topics.JSON.encode())]
GOOD_EXAMPLES = sorted((EXAMPLES / "good").iterdir())


@pytest.mark.parametrize("path", GOOD_EXAMPLES, ids=lambda path: path.name)
def test_good_examples_decode_and_keep_the_schema(path: Path) -> None:
    shares = decoded_shares(path.read_bytes())
    text = path.read_text()
    objects = [json.loads(line) for line in text.splitlines()] if "lines" in path.name else None
    for document in objects or [json.loads(text)]:
        jsonschema.validate(document, SCHEMA)
    assert shares
    assert {each.timestamp_ms for each in shares} == {NOW_MS}


def test_schema_refuses_the_bad_json_examples_that_are_json() -> None:
    relative = {InvalidReason.TOO_LATE, InvalidReason.TOO_EARLY}
    refused = 0
    for bad in bad_messages():
        if bad.content_type != topics.JSON or not bad.shares or bad.reason in relative:
            continue
        try:
            document = json.loads(bad.value or b"")
        except (UnicodeDecodeError, ValueError, RecursionError):
            continue
        # 1e-400 is read as 0 and 1e400 as infinity; calendars are beyond a pattern.
        # Python reads NaN and halves of surrogate pairs, which no other JSON reader does.
        if any(part in bad.name for part in ("RFC 3339", "1e", "NaN", "Inf", "emoji", "surrogate")):
            continue
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(document, SCHEMA)
        refused += 1
    assert refused >= 25


def test_mixed_fetch_keeps_each_share_with_its_message() -> None:
    first, second = share(worker_name="a", difficulty=1.0), share(worker_name="b", difficulty=2.0)
    third = share(worker_name="a", source=None, result=ShareResult.STALE, difficulty=3.0)
    records = [
        PlainRecord(encode_json([first, second]), [], NOW_MS),
        PlainRecord(b"nonsense", [], NOW_MS),
        PlainRecord(encode_arrow(batch_of([third, first])), ARROW, NOW_MS),
        PlainRecord(encode_json([third]), [], NOW_MS),
    ]
    decoded = Decoder().decode(records)
    places = zip(decoded.message.tolist(), decoded.position.tolist(), strict=True)
    found = dict(zip(places, shares_of(decoded.batch), strict=True))
    assert found == {(0, 0): first, (0, 1): second, (2, 0): third, (2, 1): first, (3, 0): third}
    assert sorted(decoded.batch.workers) == [("harbor", "a"), ("harbor", "b")]
    assert decoded.undecodable == [1]
    assert decoded.messages == 4


def test_aiokafka_like_records_are_enough() -> None:
    record = SimpleNamespace(
        topic="shares", partition=3, offset=9, timestamp=NOW_MS, headers=(), key=b"k",
        value=bytearray(encode_json([GOOD])),
    )  # fmt: skip
    assert list(shares_of(Decoder().decode([record]).batch)) == [GOOD]


@pytest.mark.parametrize("value", [b"[]", b" [ ] "])
def test_message_of_no_shares_is_no_fault(value: bytes) -> None:
    assert decoded_shares(value, [(topics.CONTENT_TYPE, b"application/json")]) == []


def test_arrow_without_rows_is_no_fault() -> None:
    assert decoded_shares(encode_arrow(batch_of([])), ARROW) == []


def test_empty_fetch() -> None:
    decoded = Decoder().decode([])
    assert len(decoded.batch) == 0
    assert (decoded.messages, decoded.invalid) == (0, [])


@pytest.mark.parametrize(
    "content_type",
    [b"application/json", b"Application/JSON", b"application/json; charset=UTF-8", b""],
)
def test_content_types_of_json(content_type: bytes) -> None:
    value = encode_json([GOOD])
    assert decoded_shares(value, [(topics.CONTENT_TYPE, content_type)]) == [GOOD]


def test_last_of_several_content_types_counts() -> None:
    headers = [(topics.CONTENT_TYPE, b"text/plain"), (topics.CONTENT_TYPE, b"application/json")]
    assert decoded_shares(encode_json([GOOD]), headers) == [GOOD]


def test_share_at_the_edge_of_late_and_early_counts() -> None:
    edges = [share(timestamp_ms=NOW_MS - 48 * HOUR_MS), share(timestamp_ms=NOW_MS + 300_000)]
    assert decoded_shares(encode_json(edges)) == edges


def test_record_without_a_timestamp_makes_nothing_late() -> None:
    old = share(timestamp_ms=1)
    decoded = Decoder().decode([PlainRecord(encode_json([old]), [], -1)])
    assert list(shares_of(decoded.batch)) == [old]


def test_share_before_the_retention_is_too_late_whatever_its_record_says() -> None:
    old, kept = share(timestamp_ms=NOW_MS - 1), share(timestamp_ms=NOW_MS)
    record = PlainRecord(encode_json([old, kept]), [], NOW_MS)
    decoded = Decoder().decode([record], oldest_ms=NOW_MS)
    assert list(shares_of(decoded.batch)) == [kept]
    [invalid] = decoded.invalid
    assert invalid.share_reasons() == [(0, InvalidReason.TOO_LATE)]


def test_limits_are_settings() -> None:
    limits = TimeLimits(late_ms=1_000, early_ms=1_000)
    decoder = Decoder(DecodeConfig(max_message_bytes=1_000, max_shares=3, times=limits))
    late = encode_json([share(timestamp_ms=NOW_MS - 1_001)])
    many = b"[" + b",".join([b"{}"] * 4) + b"]"
    values = [late, b"{" + b" " * 1_000, many]
    decoded = decoder.decode([PlainRecord(value, [], NOW_MS) for value in values])
    assert [invalid.reason for invalid in decoded.invalid] == [
        InvalidReason.TOO_LATE, InvalidReason.OVERSIZED, InvalidReason.OVERSIZED,
    ]  # fmt: skip
    rows = encode_json([GOOD] * 4), encode_arrow(batch_of([GOOD] * 4))
    roomy = Decoder(DecodeConfig(max_shares=3))
    decoded = roomy.decode([PlainRecord(rows[0], [], NOW_MS), PlainRecord(rows[1], ARROW, NOW_MS)])
    assert [invalid.reason for invalid in decoded.invalid] == [InvalidReason.OVERSIZED] * 2


def test_arrow_of_other_widths_and_types() -> None:
    kinds = pa.dictionary(pa.int8(), pa.large_string()), pa.dictionary(pa.uint16(), pa.string())
    value = arrow(
        timestamp=pa.array([NOW_MS * 1_000, NOW_MS * 1_000 + 999], pa.timestamp("us", "+02:00")),
        account_name=pa.array(["harbor", "harbor"], kinds[0]),
        worker_name=pa.array(["ä b", "c"], pa.large_string()),
        difficulty=pa.array([1, 2], pa.int32()),
        result=pa.array(["accepted", "orphaned"], kinds[1]),
        extra=pa.array([[1], []]),
    )
    expected = [
        Share(NOW_MS, "harbor", "ä b", 1.0, ShareResult.ACCEPTED),
        Share(NOW_MS, "harbor", "c", 2.0, ShareResult.INVALID),
    ]
    assert decoded_shares(value, ARROW) == expected


@pytest.mark.parametrize("deltas", [False, True], ids=["replaced", "delta"])
def test_arrow_dictionaries_that_change_between_batches(*, deltas: bool) -> None:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    texts = pa.dictionary(pa.int32(), pa.string())
    batches = [
        pa.record_batch(
            {
                "timestamp": pa.array([NOW_MS] * 2, pa.timestamp("ms", "UTC")),
                "account_name": pa.array(["abc"] * 2, texts),
                "worker_name": pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names),
                "difficulty": pa.array([1.0, 1.0]),
                "result": pa.array(["accepted"] * 2, texts),
            }
        )
        for codes, names in (
            ([0, 1], ["a", "b"]),
            ([2, 0], ["a", "b", "c"]),
            ([0, 1], ["x", "y"] if not deltas else ["a", "b", "c"]),
        )
    ]
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    decoded = Decoder().decode([PlainRecord(sink.getvalue().to_pybytes(), ARROW, NOW_MS)])
    names = [each.worker_name for each in shares_of(decoded.batch)]
    assert names == ["a", "b", "c", "a", *(["x", "y"] if not deltas else ["a", "b"])]
    assert decoded.position.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_arrow_within_the_bound_is_read(codec: str) -> None:
    batch = batch_of([GOOD] * 1_000)
    with pa.ipc.open_stream(encode_arrow(batch)) as reader:
        table = reader.read_all()
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    assert decoded_shares(sink.getvalue().to_pybytes(), ARROW) == [GOOD] * 1_000


def test_large_dictionary_costs_only_what_is_used() -> None:
    names = pa.array([f"rig{number}" for number in range(50_000)] + [None])
    value = arrow(
        timestamp=pa.array([NOW_MS] * 3, pa.timestamp("ms", "UTC")),
        account_name=pa.array(["harbor"] * 3),
        worker_name=pa.DictionaryArray.from_arrays(pa.array([49_999, 7, 50_000]), names),
        difficulty=pa.array([1.0] * 3),
        result=pa.array(["accepted"] * 3),
    )
    decoded = Decoder().decode([PlainRecord(value, ARROW, NOW_MS)])
    assert list(decoded.batch.workers) == [("harbor", "rig49999"), ("harbor", "rig7")]
    assert decoded.invalid[0].share_reasons() == [(2, InvalidReason.BAD_WORKER_NAME)]


def test_without_moves_shares_to_the_rejects_of_their_message() -> None:
    bad, strange, good = share(difficulty=-1.0), share(account_name="stranger"), GOOD
    decoded = Decoder().decode([PlainRecord(encode_json([strange, bad, good]), [], NOW_MS)])
    known = np.array([name == "harbor" for name, _ in decoded.batch.workers])
    rest = decoded.without(~known[decoded.batch.worker], InvalidReason.UNKNOWN_ACCOUNT)
    assert list(shares_of(rest.batch)) == [good]
    [invalid] = rest.invalid
    assert invalid.share_reasons() == [
        (0, InvalidReason.UNKNOWN_ACCOUNT),
        (1, InvalidReason.BAD_DIFFICULTY),
    ]
    assert (invalid.reason, invalid.undecodable) == (InvalidReason.UNKNOWN_ACCOUNT, False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbf", b""),
        (b"\x00" * 4_096, b""),
        (b" \n\xef\xbb\xbf", b"\n\x00\x00\n"),
    ],
    ids=["byte order mark", "hole of zeros", "both"],
)
@pytest.mark.parametrize("headers", [[], JSON], ids=["no type", "typed"])
def test_padding_around_whole_records_is_passed_over(
    before: bytes, after: bytes, headers: list[tuple[str, bytes]]
) -> None:
    line = encode_json([GOOD])
    for value in (line, b"[" + line + b"]", line + b"\n" + before + line):
        shares = decoded_shares(before + value + after, headers)
        assert shares == [GOOD] * (1 if value.count(b"harbor") == 1 else 2)


@pytest.mark.parametrize("name", topics.NDJSON)
def test_lines_of_json_have_several_names(name: str) -> None:
    value = encode_json([GOOD]) + b"\n" + encode_json([GOOD])
    assert decoded_shares(value, [(topics.CONTENT_TYPE, name.encode())]) == [GOOD, GOOD]


@pytest.mark.parametrize("text", ["1790265931909.0", "1.790265931909e+12", "1790265931909"])
def test_integers_may_be_written_as_json_allows(text: str) -> None:
    value = encode_json([GOOD]).replace(b"1790265931909", text.encode())
    assert decoded_shares(value) == [GOOD]
    assert decoded_shares(b"[" + value + b"," + encode_json([GOOD]) + b"]") == [GOOD, GOOD]


def test_what_a_miner_can_type_never_counts_against_the_limit() -> None:
    """Cut emoji, quotes, control characters, in the name or in a field that we do not read."""
    line = encode_json([GOOD])[:-1] + b',"agent":"x"}'
    for typed in (b"rig\\ud83d", b'ri"g', b"ri\x01g", b"ri\ng", b"\\", b"\xff\xfe", b"}],["):
        for target in (b"rack1.unit2", b'"x"'):
            value = line.replace(target, typed if target != b'"x"' else b'"' + typed + b'"')
            decoded = Decoder().decode([PlainRecord(value, [], NOW_MS)])
            assert decoded.undecodable == [], (typed, target)


@pytest.mark.parametrize("piece", [b'"', b"{", b"}", b"[", b",", b'{"', b'"a":', b"[{},", b"{}\n"])
@pytest.mark.parametrize("first", [b"[", b"{", b'[{"timestamp":', b"[NaN,"])
def test_no_garbage_takes_more_than_linear_time(first: bytes, piece: bytes) -> None:
    """Two messages, the second eight times as large; both end, with a reason, in no time."""
    for size in (100_000, 800_000):
        value = first + piece * (size // len(piece))
        decoded = Decoder().decode([PlainRecord(value, [], NOW_MS)])
        assert len(decoded.invalid) == 1
        assert not len(decoded.batch)
