"""Feeds on bytes that they do not know: a share or a reason, never anything else."""

from __future__ import annotations

import struct
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ingest.feeds.btcpool.names import Names
from ingest.feeds.btcpool.share import BadRecordError, parse_record
from ingest.feeds.ckpool_lines import BadLineError, parse_line
from ingest.feeds.miningcore_message import BadMessageError, parse_message
from ingest.kafka.producer import encode
from schemas.batch import batch_of
from schemas.share import Share, ShareResult
from tests.property.effort import examples

CKPOOL_LINE = (
    next((Path(__file__).parents[2] / "data" / "ckpool" / "logs").glob("*/*.sharelog"))
    .read_bytes()
    .split(b"\n")[0]
)
BTCPOOL_RECORD = bytes.fromhex(
    "040001000888800810a984ccde8fbd88a2221854208edae4b20d2896a9aaab0d320b3230332e302e3131332e3738"
    "87a8808080debbd96a4080800448dbbe88b80150d9d73758f0a3f0d10960aa8080086880c0ffff01"
)
RELAY_PAYLOAD = bytes.fromhex(
    "0a0462746331120f626331716578616d706c65616464721a0572696730312a0b626d6d696e65722f322e30320b"
    "3230332e302e3131332e373a0365753141000000000000f04048d9d737710000bc785fe0dc427a080896a9aaab"
    "0d1003"
)

json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(),
    st.text("aäZ._\x00 -", max_size=12),
    st.lists(st.integers(0, 9) | st.just("Stale"), max_size=3),
)

# Eight helpers may share two cores with this: slow is no fault of a strategy.
patient = examples(250)


def damaged(original: bytes) -> st.SearchStrategy[bytes]:
    """The original with a few bytes replaced, cut out or put in."""

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        value = original
        for at, length, put in edits:
            place = at % (len(value) + 1)
            value = value[:place] + put + value[place + length :]
        return value

    edit = st.tuples(st.integers(0, 10_000), st.integers(0, 4), st.binary(max_size=4))
    return st.lists(edit, min_size=1, max_size=4).map(apply)


def assert_can_travel(share: Share) -> None:
    """Intake may dislike it; writing it must work all the same."""
    for encoding in ("arrow", "json"):
        assert encode(batch_of([share]), encoding)[0]  # type: ignore[arg-type]


@patient
@given(st.binary(max_size=200) | damaged(CKPOOL_LINE))
def test_ckpool_lines(line: bytes) -> None:
    try:
        share = parse_line(line, source="ckpool")
    except BadLineError as bad:
        reason = bad.reason
    else:
        assert_can_travel(share)
        return
    assert reason in {"empty_line", "malformed_json", "wrong_fields", "bad_createdate"}


@patient
@given(
    st.dictionaries(st.sampled_from(["errn", "error", "reject-reason", "username"]), json_values)
)
def test_ckpool_fields_of_any_type(fields: dict[str, object]) -> None:
    line = {"workername": "a.b", "diff": 1, "result": False, "createdate": "1,2"} | fields
    try:
        share = parse_line(orjson.dumps(line), source="x")
    except BadLineError as bad:
        reason = bad.reason
    else:
        assert share.result is not ShareResult.ACCEPTED
        assert_can_travel(share)
        return
    # Only fields that the share needs may cost it; what says why it was rejected may be anything.
    assert reason == "wrong_fields"
    assert {"errn", "username"} & fields.keys()


@patient
@given(
    st.none()
    | st.binary(max_size=100)
    | st.binary(max_size=100).map(lambda tail: struct.pack("<I", 0x00010004) + tail)
    | damaged(BTCPOOL_RECORD)
)
def test_btcpool_records(value: bytes | None) -> None:
    try:
        share = parse_record(value)
    except BadRecordError as bad:
        reason = bad.reason
    else:
        account = Names().account(share.user_id)
        worker = Names().worker(share.user_id, share.worker_hash)
        assert_can_travel(
            Share(share.timestamp_ms, account, worker, share.difficulty, share.result)
        )
        return
    assert reason in {
        "too_short",
        "unknown_version",
        "malformed_protobuf",
        "missing_field",
        "bad_timestamp",
    }


@patient
@given(
    st.binary(max_size=100)
    | damaged(b'{"type":"worker_update","content":{"user_id":1,"worker_id":2,"worker_name":"a"}}')
)
def test_btcpool_events(value: bytes) -> None:
    assert Names().learn(value) in (True, False)


@patient
@given(
    st.lists(st.binary(max_size=20), max_size=4)
    | st.tuples(
        st.binary(max_size=5),
        st.sampled_from([b"\1\0\0\0", b"\2\0\0\0", b"\0\0\0\2"]),
        st.binary(max_size=100) | damaged(RELAY_PAYLOAD) | damaged(b'{"miner":"a","difficulty":1}'),
    ).map(list)
)
def test_miningcore_messages(frames: list[bytes]) -> None:
    try:
        relayed = parse_message(frames)
    except BadMessageError as bad:
        reason = bad.reason
    else:
        name, worker = relayed.account_name, relayed.worker_name
        share = Share(0, name, worker, relayed.difficulty, ShareResult.ACCEPTED, relayed.source)
        assert_can_travel(share)
        return
    assert reason in {
        "not_three_frames",
        "bad_flags",
        "unknown_format",
        "malformed_json",
        "malformed_protobuf",
        "wrong_fields",
        "name_too_long",
    }
