"""The decoders against naive twins that look at one share at a time, and against noise."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.decode.decoder import Decoded, Decoder
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.batch import batch_of, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from schemas.topics import InvalidReason
from tests.property.effort import examples

NOW_MS = 1_790_265_931_909
LATE_MS, EARLY_MS = 48 * 3_600_000, 300_000
RESULTS = {result.wire: result for result in ShareResult}
ARROW = [(topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())]
FIELDS = ("timestamp", "account_name", "worker_name", "difficulty", "result")

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
timestamps = st.one_of(
    st.integers(NOW_MS - LATE_MS - 5, NOW_MS - LATE_MS + 5),
    st.integers(NOW_MS + EARLY_MS - 5, NOW_MS + EARLY_MS + 5),
    st.integers(NOW_MS - 1_000, NOW_MS),
    st.integers(-(2**63), 2**63 - 1),
)
accounts = st.one_of(st.sampled_from(["abc", "harbor", "ab", "a b", "äöü", "a" * 129]), text)
workers = st.one_of(st.sampled_from(["rig", "a.b", "ä b", "", "\0", "w" * 65, "(other)"]), text)
difficulties = st.one_of(
    st.sampled_from([1.0, 65_536.0, 0.0005, 0.0, -1.0, 5e-324, 2.0**224, 2.0**225, 1.7e308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
results = st.one_of(st.sampled_from([*RESULTS, "orphaned", "ACCEPTED", ""]), text)
sources = st.one_of(st.none(), st.sampled_from(["eu", "", "a\nb", "s" * 256]), text)
wrong = st.sampled_from([None, True, "x", [], {}, 1.5, -7, 2**70])


GOOD_FIELDS = {
    "timestamp": NOW_MS,
    "account_name": "abc",
    "worker_name": "rig",
    "difficulty": 1,
    "result": "accepted",
}


def naive(fields: dict[str, Any]) -> Share | InvalidReason:
    """One share, one rule after the other, as the contract lists them."""
    at = fields.get("timestamp")
    if isinstance(at, str):
        try:
            at = math.floor(datetime.fromisoformat(at).timestamp() * 1_000)
        except ValueError:
            return InvalidReason.BAD_TIMESTAMP
    if type(at) is not int or not 0 <= at < 253_402_300_800_000:
        return InvalidReason.BAD_TIMESTAMP
    account, worker = fields.get("account_name"), fields.get("worker_name")
    if not isinstance(account, str) or not 3 <= len(account) <= 128:
        return InvalidReason.BAD_ACCOUNT_NAME
    if not all(letter.isalnum() or letter == "_" for letter in account):
        return InvalidReason.BAD_ACCOUNT_NAME
    if not isinstance(worker, str) or not 1 <= len(worker) <= 64 or controls(worker):
        return InvalidReason.BAD_WORKER_NAME
    difficulty = fields.get("difficulty")
    if type(difficulty) not in (int, float) or not 0 < difficulty <= 2**224:
        return InvalidReason.BAD_DIFFICULTY
    if not isinstance(result := fields.get("result"), str):
        return InvalidReason.BAD_RESULT
    source = fields.get("source")
    if source is not None and (not isinstance(source, str) or len(source) > 255):
        return InvalidReason.BAD_SOURCE
    if source and controls(source):
        return InvalidReason.BAD_SOURCE
    if at < NOW_MS - LATE_MS:
        return InvalidReason.TOO_LATE
    if at > NOW_MS + EARLY_MS:
        return InvalidReason.TOO_EARLY
    code = RESULTS.get(result, ShareResult.INVALID)
    return Share(at, account, worker, float(difficulty), code, source or None)


def controls(name: str) -> bool:
    return any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in name)


def has_types_of_a_share(fields: Any) -> bool:
    """Whether it is an object with all the fields, each of its JSON type."""
    numbers = (int, float)
    return (
        isinstance(fields, dict)
        and type(fields.get("timestamp")) in (*numbers, str)
        and type(fields.get("difficulty")) in numbers
        and all(type(fields.get(name)) is str for name in ("account_name", "worker_name", "result"))
    )


def outcome(decoded: Decoded) -> dict[tuple[int, int], Share | InvalidReason]:
    places = zip(decoded.message.tolist(), decoded.position.tolist(), strict=True)
    found: dict[tuple[int, int], Share | InvalidReason]
    found = dict(zip(places, shares_of(decoded.batch), strict=True))
    for invalid in decoded.invalid:
        for at, reason in invalid.share_reasons():
            assert (invalid.message, at) not in found
            found[invalid.message, at] = reason
    return found


@st.composite
def json_shares(draw: st.DrawFn) -> Any:
    """Mostly good shares; some with a field missing or of another type; some no shares at all."""
    fields: Any = {
        "timestamp": draw(st.one_of(st.just(NOW_MS), timestamps, st.just("2026-09-24T16:05:31Z"))),
        "account_name": draw(accounts),
        "worker_name": draw(workers),
        "difficulty": draw(difficulties),
        "result": draw(results),
    }
    if draw(st.booleans()):
        fields["source"] = draw(sources)
    match draw(st.sampled_from(["good"] * 6 + ["less", "wrong", "more", "none"])):
        case "less":
            del fields[draw(st.sampled_from(FIELDS))]
        case "wrong":
            fields[draw(st.sampled_from((*FIELDS, "source")))] = draw(wrong)
        case "more":
            fields["height"] = {"deep": [1e300, None]}
        case "none":
            fields = draw(st.sampled_from([1, "x", None, [], {}]))
    return fields


@given(st.lists(st.lists(json_shares(), min_size=1, max_size=5), max_size=5), st.data())
@example([[{}]], None)
@example([[{"timestamp": NOW_MS, "account_name": "abc"}, {}]], None)
@example([[GOOD_FIELDS, 1, 1, 1, 1]], None)
def test_json_agrees_with_a_share_at_a_time(messages: list[list[Any]], data: Any) -> None:
    records = []
    for message in messages:
        lines = data is not None and data.draw(st.booleans(), label="as lines")
        # A first line that begins with [ would make it an array.
        lines = lines and not isinstance(message[0], list)
        value = "\n".join(map(json.dumps, message)) if lines else json.dumps(message)
        headers = [(topics.CONTENT_TYPE, topics.JSON.encode())]
        records.append(PlainRecord(value.encode(), headers, NOW_MS))
    decoded = Decoder().decode(records)
    expected: dict[tuple[int, int], Share | InvalidReason] = {}
    whole = set()
    for index, message in enumerate(messages):
        if not any(map(has_types_of_a_share, message)):
            whole.add(index)
            continue
        for at, fields in enumerate(message):
            expected[index, at] = naive(fields if isinstance(fields, dict) else {})
    assert {each.message for each in decoded.invalid if not each.shares} == whole
    assert {each.reason for each in decoded.invalid if not each.shares} <= {
        InvalidReason.WRONG_SCHEMA
    }
    assert outcome(decoded) == expected


def arrow_names(values: list[str | None], kind: str) -> pa.Array:
    plain = pa.array(values, pa.large_string() if "large" in kind else pa.string())
    if "dictionary" not in kind:
        return plain
    index = pa.int8() if "int8" in kind else pa.int32()
    encoded = plain.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(index), encoded.dictionary)


KINDS = ("string", "large", "dictionary", "dictionary large", "dictionary int8")


@st.composite
def arrow_batches(draw: st.DrawFn) -> pa.RecordBatch:
    rows = draw(st.integers(0, 6))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(st.one_of(st.none(), values, values), min_size=rows, max_size=rows))

    floats = st.one_of(difficulties, st.sampled_from([math.nan, math.inf, -math.inf]))
    return pa.record_batch(
        {
            "timestamp": pa.array(column(timestamps), pa.int64()).view(pa.timestamp("ms", "UTC")),
            "account_name": arrow_names(column(accounts), draw(st.sampled_from(KINDS))),
            "worker_name": arrow_names(column(workers), draw(st.sampled_from(KINDS))),
            "difficulty": pa.array(column(floats), pa.float64()),
            "result": arrow_names(column(results), draw(st.sampled_from(KINDS))),
            "source": arrow_names(column(sources), draw(st.sampled_from(KINDS))),
        }
    )


def stream(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch)
    value: bytes = sink.getvalue().to_pybytes()
    return value


@given(st.lists(arrow_batches(), max_size=3))
def test_arrow_agrees_with_a_share_at_a_time(batches: list[pa.RecordBatch]) -> None:
    records = [PlainRecord(stream(batch), ARROW, NOW_MS) for batch in batches]
    expected = {}
    for index, batch in enumerate(batches):
        columns = {name: batch.column(name) for name in batch.schema.names}
        columns["timestamp"] = columns["timestamp"].view(pa.int64())
        rows = pa.table(columns).to_pylist() * 2
        expected.update({(index, at): naive(fields) for at, fields in enumerate(rows)})
    assert outcome(Decoder().decode(records)) == expected


@st.composite
def mutations(draw: st.DrawFn, value: bytes) -> bytes:
    """A valid message with some bytes changed, cut out, doubled, or its end gone."""
    torn = bytearray(value)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(torn) - 1)))
        match draw(st.sampled_from(["flip", "cut", "double", "end", "noise", "large"])):
            case "flip" if torn:
                torn[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del torn[at : at + draw(st.integers(1, 16))]
            case "double":
                torn[at:at] = torn[at : at + draw(st.integers(1, 64))]
            case "end":
                del torn[at:]
            case "large":
                torn[at : at + 4] = b"\xff\xff\xff\x7f"
            case _:
                torn[at:at] = draw(st.binary(max_size=8))
    return bytes(torn)


SHARES = [
    Share(NOW_MS, "harbor", "rack1.unit2", 65_536.0, ShareResult.ACCEPTED, "eu-1"),
    Share(NOW_MS - 7, "bc1qexample", "Größe 7", 0.0005, ShareResult.STALE, None),
    Share(NOW_MS + 9, "harbor", "default", 2428.0, ShareResult.ACCEPTED, "eu-2"),
]
VALID_JSON = encode_json(SHARES)
VALID_ARROW = encode_arrow(batch_of(SHARES))


def assert_only_good_shares_count(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    good = PlainRecord(VALID_JSON, [], NOW_MS)
    decoded = Decoder().decode([good, PlainRecord(value, headers, NOW_MS), good])
    found = outcome(decoded)
    assert [found[0, at] for at in range(3)] == SHARES
    assert [found[2, at] for at in range(3)] == SHARES
    for each in shares_of(decoded.batch):
        fields = {
            "timestamp": each.timestamp_ms,
            "account_name": each.account_name,
            "worker_name": each.worker_name,
            "difficulty": each.difficulty,
            "result": each.result.wire,
            "source": each.source,
        }
        assert naive(fields) == each


@examples(400)
@given(mutations(VALID_JSON))
def test_torn_json_gives_good_shares_or_rejects(value: bytes) -> None:
    assert_only_good_shares_count(value, [(topics.CONTENT_TYPE, topics.JSON.encode())])


@examples(400)
@given(mutations(VALID_ARROW))
def test_torn_arrow_gives_good_shares_or_rejects(value: bytes) -> None:
    assert_only_good_shares_count(value, ARROW)


@given(st.binary(max_size=300), st.sampled_from([None, topics.JSON, topics.ARROW_STREAM]))
def test_noise_gives_nothing_but_a_reject(value: bytes, content_type: str | None) -> None:
    headers = [] if content_type is None else [(topics.CONTENT_TYPE, content_type.encode())]
    assert_only_good_shares_count(value, headers)
