"""btcpool's records and events: the samples, every status, and bytes that are neither."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.errors import FatalError
from ingest.feeds.btcpool.names import Names, read_accounts
from ingest.feeds.btcpool.share import BTC_SHARE, BadRecordError, parse_record
from schemas.names.naming import WorkerNaming, encode_namings, namings_of
from schemas.share import ShareResult

ACCEPTED = bytes.fromhex(
    "040001000888800810a984ccde8fbd88a2221854208edae4b20d2896a9aaab0d320b3230332e302e3131332e3738"
    "87a8808080debbd96a4080800448dbbe88b80150d9d73758f0a3f0d10960aa8080086880c0ffff01"
)
STALE = bytes.fromhex(
    "040001000888800810a984ccde8fbd88a2221854204a2896a9aaab0d320b3230332e302e3131332e373887a88080"
    "80debbd96a4080800448dbbe88b80150d9d73758f0a3f0d10960aa8080086880c0ffff01"
)
WORKER = -1234567890123456789


def record(**fields: Any) -> bytes:
    share = {"workerhashid": WORKER, "userid": 42, "status": 1798084231}
    share |= {"timestamp": 1790265931, "sharediff": 65536}
    return struct.pack("<I", 0x00010004) + BTC_SHARE.encode(**(share | fields))


@pytest.mark.parametrize(
    ("value", "result"), [(ACCEPTED, ShareResult.ACCEPTED), (STALE, ShareResult.STALE)]
)
def test_samples_are_read(value: bytes, result: ShareResult) -> None:
    share = parse_record(value)
    assert (share.user_id, share.worker_hash) == (42, WORKER)
    assert (share.timestamp_ms, share.difficulty) == (1_790_265_931_000, 65536.0)
    assert share.result is result


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (1798084231, "accepted"),
        (950395421, "accepted"),
        (1422486894, "accepted"),
        (1713984938, "accepted"),
        (1835617709, "accepted"),
        (21, "stale"),
        (37, "stale"),
        (22, "duplicate"),
        (23, "low_difficulty"),
        (24, "unauthorized"),
        (31, "time_out_of_range"),
        (32, "time_out_of_range"),
        (36, "job_not_found"),
        (20, "invalid"),
        (-1, "invalid"),
        (0, "invalid"),
    ],
)
def test_statuses(status: int, result: str) -> None:
    assert parse_record(record(status=status)).result.wire == result


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "too_short"),
        (b"", "too_short"),
        (b"\x04\x00\x01", "too_short"),
        (b"\x03\x00\x01\x00" + ACCEPTED[4:], "unknown_version"),
        (ACCEPTED[:4][::-1] + ACCEPTED[4:], "unknown_version"),
        (ACCEPTED[:30], "malformed_protobuf"),
        (ACCEPTED[:4], "missing_field"),
        (ACCEPTED[:4] + b"\xff" * 40, "malformed_protobuf"),
        (record(timestamp=0), "bad_timestamp"),
        (record(timestamp=-5), "bad_timestamp"),
        (record(timestamp=2**62), "bad_timestamp"),
    ],
)
def test_bad_records_have_a_reason(value: bytes | None, reason: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        parse_record(value)
    assert caught.value.reason == reason


def update(**content: Any) -> bytes:
    fields = {"user_id": 42, "worker_id": WORKER, "worker_name": "rig.1", "miner_agent": "x"}
    return orjson.dumps({"type": "worker_update", "content": fields | content})


def test_worker_is_its_hash_until_its_name_comes() -> None:
    names = Names()
    assert names.worker(42, WORKER) == "worker_eeddef0b82167eeb"
    assert names.learn(update())
    assert names.worker(42, WORKER) == "rig.1"
    assert names.worker(43, WORKER) == "worker_eeddef0b82167eeb"
    assert names.learn(update(worker_name="new"))
    assert names.worker(42, WORKER) == "new"


def test_empty_name_is_no_name_and_a_long_one_is_fitted() -> None:
    names = Names()
    assert names.learn(update(worker_name=""))
    assert names.worker(42, WORKER).startswith("worker_")
    assert names.learn(update(worker_name="x" * 100))
    assert len(names.worker(42, WORKER)) == 64


@pytest.mark.parametrize(
    "value", [None, b"", b"{", b"[]", b'{"type":"worker_update"}', update(user_id="x"), b"\xff"]
)
def test_unreadable_events_are_told(value: bytes | None) -> None:
    assert not Names().learn(value)


def test_other_events_are_passed_over() -> None:
    assert Names().learn(b'{"type":"miner_connect","content":{"user_id":"?"}}')


def test_accounts_come_from_the_mapping_file(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_bytes(b'{"42": "acme"}')
    names = Names(read_accounts(path))
    assert (names.account(42), names.account(43)) == ("acme", "user_43")


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"x": "y"}'])
def test_bad_mapping_file_is_said_plainly(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "accounts.json"
    path.write_bytes(content)
    with pytest.raises(FatalError, match=r"accounts\.json"):
        read_accounts(path)


def named(worker_hash: int, name: str) -> bytes:
    content = {"user_id": 42, "worker_id": worker_hash, "worker_name": name, "miner_agent": "x"}
    return orjson.dumps({"type": "worker_update", "content": content})


def test_a_name_is_said_once_beside_the_shares_that_it_begins_with() -> None:
    names, key = Names({42: "alice"}), f"worker_{7:016x}"
    assert names.new_names([(42, 7)]) == ()
    names.learn(named(7, "rig1"))
    assert names.new_names([(42, 7), (42, 7), (42, 8)]) == (("alice", key, "rig1"),)
    assert names.new_names([(42, 7)]) == ()
    names.learn(named(7, "rig2"))
    assert names.new_names([(42, 7)]) == (("alice", key, "rig2"),)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b'[["alice","worker_07","rig1"]]', [("alice", "worker_07", "rig1")]),
        (b"[]", []),
        (b"{}", []),
        (b"[[", []),
        (b"\xff", []),
        (b'[["alice","worker_07"]]', []),
        (b'[["alice","worker_07","' + b"x" * 65 + b'"],["bob","k","n"]]', [("bob", "k", "n")]),
        (b'[["alice","worker_07","a\\u0000b"]]', []),
    ],
)
def test_names_in_a_header_are_read_or_left(value: bytes, found: list[tuple[str, ...]]) -> None:
    headers = [("content-type", b"application/json"), ("worker-names", value)]
    assert namings_of([headers]) == found


def test_names_come_back_as_they_were_said() -> None:
    said = [WorkerNaming("alice", "worker_07", "rig \u00e9")]
    assert namings_of([[("worker-names", encode_namings(said))]]) == said
