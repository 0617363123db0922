"""Messages that are not counted, each with its reason: the examples, and what text cannot hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import schemas
from schemas import topics
from schemas.batch import batch_of
from schemas.codec import ARROW_SCHEMA, encode_arrow
from schemas.share import Share, ShareResult
from schemas.topics import InvalidReason

NOW_MS = 1_790_265_931_909
EXAMPLES = Path(schemas.__file__).parent / "examples"
GOOD = Share(NOW_MS, "harbor", "rack1.unit2", 65_536.0, ShareResult.ACCEPTED, "eu-1")
ARROW = encode_arrow(batch_of([GOOD, GOOD]))
ONE = b'{"timestamp":1790265931909,"account_name":"harbor","worker_name":"rig","difficulty":1,'


@dataclass(frozen=True)
class Bad:
    """`shares` empty: the whole message is bad."""

    name: str
    value: bytes | None
    reason: InvalidReason
    shares: tuple[int, ...] = ()
    content_type: str | None = topics.JSON


def bad_messages() -> list[Bad]:
    return [*_examples(), *_json(), *_arrow(), *_arrow_shares()]


def _examples() -> Iterator[Bad]:
    for row in json.loads((EXAMPLES / "bad.json").read_text())["messages"]:
        yield Bad(
            row["name"],
            row["value"].encode(),
            InvalidReason(row["reason"]),
            tuple(row["shares"]),
            row["content_type"],
        )


def _json() -> Iterator[Bad]:
    good = ONE + b'"result":"accepted"}'
    yield Bad("tombstone", None, InvalidReason.EMPTY)
    yield Bad("tombstone without headers", None, InvalidReason.EMPTY, content_type=None)
    yield Bad("empty value", b"", InvalidReason.EMPTY)
    yield Bad("empty Arrow value", b"", InvalidReason.EMPTY, content_type=topics.ARROW_STREAM)
    yield Bad("8 MB of spaces", b" " * 8_000_000, InvalidReason.EMPTY)
    yield Bad("8 MB of spaces, no type", b" " * 8_000_000, InvalidReason.EMPTY, content_type=None)
    yield Bad("10 MB of spaces", b" " * 10_000_000, InvalidReason.OVERSIZED)
    yield Bad("good but above the limit", good + b" " * 9_000_000, InvalidReason.OVERSIZED)
    yield Bad("8 MB of empty objects", b"[" + b"{}," * 2_700_000 + b"{}]", InvalidReason.OVERSIZED)
    yield Bad("250,000 empty objects", b"[" + b"{}," * 249_999 + b"{}]", InvalidReason.WRONG_SCHEMA)
    yield Bad("deep arrays", b"[" * 1_000_000, InvalidReason.MALFORMED_JSON)
    yield Bad("deep objects", b'{"a":' * 1_000_000, InvalidReason.MALFORMED_JSON)
    deep = b"[" * 100_000 + b"]" * 100_000
    yield Bad(
        "deep unknown field",
        good[:-1] + b',"z":' + deep + b"}",
        InvalidReason.MALFORMED_SHARE,
        (0,),
    )
    yield Bad(
        "bad UTF-8 in a name", good.replace(b"rig", b"\xff"), InvalidReason.BAD_WORKER_NAME, (0,)
    )
    yield Bad(
        "cut UTF-8 in a name",
        good.replace(b"rig", b"r\xe2\x82"),
        InvalidReason.BAD_WORKER_NAME,
        (0,),
    )
    yield Bad("UTF-16", good.decode().encode("utf-16"), InvalidReason.MALFORMED_JSON)
    yield Bad("gzip", b"\x1f\x8b\x08\x00" + bytes(30), InvalidReason.MALFORMED_JSON)
    yield Bad(
        "gzip, no type", b"\x1f\x8b\x08", InvalidReason.UNKNOWN_CONTENT_TYPE, content_type=None
    )
    endless = topics.JSON + ";a=b" * 2_000_000
    yield Bad("endless parameters", good, InvalidReason.UNKNOWN_CONTENT_TYPE, content_type=endless)
    yield Bad(
        "name of a megabyte",
        good.replace(b"rig", b"r" * 10**6),
        InvalidReason.BAD_WORKER_NAME,
        (0,),
    )


def _arrow() -> Iterator[Bad]:
    bad = partial(Bad, reason=InvalidReason.MALFORMED_ARROW, content_type=topics.ARROW_STREAM)
    yield bad("Arrow: one byte", b"\xff")
    yield bad("Arrow: noise", bytes(range(256)) * 8)
    yield bad("Arrow: zeros (an end of stream, no schema)", bytes(64))
    yield bad("Arrow: cut in the schema", ARROW[:100])
    yield bad("Arrow: cut in a dictionary", ARROW[: len(ARROW) // 2])
    yield bad("Arrow: cut in the batch", ARROW[:-80])
    yield bad("Arrow: schema claims gigabytes", b"\xff\xff\xff\xff\xff\xff\xff\x7f")
    yield bad("Arrow: negative schema length", b"\xff\xff\xff\xff\xf0\xff\xff\xff" + ARROW[8:])
    yield bad("Arrow: file format", _arrow_file())
    yield bad("Arrow: bad UTF-8 in a dictionary", ARROW.replace(b"harbor", b"har\xffor"))
    yield bad("Arrow: dictionary index out of range", _index_out_of_range())
    bomb = partial(Bad, reason=InvalidReason.OVERSIZED, content_type=topics.ARROW_STREAM)
    yield bomb("Arrow: zstd bomb", _compressed("zstd", rows=20_000_000))
    yield bomb("Arrow: lz4 bomb", _compressed("lz4", rows=1_500_000))
    yield bomb("Arrow: more shares than a message has", _compressed("zstd", rows=300_000))
    yield bomb("Arrow: 300 batches", _stream([_batch()] * 300))
    schema = partial(Bad, reason=InvalidReason.WRONG_SCHEMA, content_type=topics.ARROW_STREAM)
    for name in ("timestamp", "account_name", "worker_name", "difficulty", "result"):
        yield schema(f"Arrow: no {name}", _stream([_batch().drop_columns([name])]))
    for name, column in {
        "difficulty": pa.array(["1", "2"]),
        "timestamp": pa.array(["a", "b"]),
        "account_name": pa.array([1, 2]),
        "worker_name": pa.array([b"a", b"b"]),
        "result": pa.array([True, False]),
        "source": pa.array([1.0, 2.0]),
    }.items():
        yield schema(f"Arrow: {name} is {column.type}", _stream([_with(name, column)]))
    naive = pa.array([NOW_MS, NOW_MS], pa.timestamp("ms"))
    yield schema("Arrow: timestamp without a zone", _stream([_with("timestamp", naive)]))
    nulls = pa.nulls(2)
    yield schema("Arrow: timestamps of type null", _stream([_with("timestamp", nulls)]))
    twice = _batch().append_column("difficulty", pa.array([1.0, 2.0]))
    yield schema("Arrow: two columns of one name", _stream([twice]))


def _arrow_shares() -> Iterator[Bad]:
    """The second of two shares is bad."""
    cases: list[tuple[str, list[Any], pa.DataType, InvalidReason]] = [
        ("difficulty", [1.0, float("nan")], pa.float64(), InvalidReason.BAD_DIFFICULTY),
        ("difficulty", [1.0, float("inf")], pa.float64(), InvalidReason.BAD_DIFFICULTY),
        ("difficulty", [1.0, float("-inf")], pa.float64(), InvalidReason.BAD_DIFFICULTY),
        ("difficulty", [1.0, -1.0], pa.float64(), InvalidReason.BAD_DIFFICULTY),
        ("difficulty", [1.0, 0.0], pa.float64(), InvalidReason.BAD_DIFFICULTY),
        ("difficulty", [1.0, None], pa.float64(), InvalidReason.BAD_DIFFICULTY),
        ("timestamp", [NOW_MS, None], pa.timestamp("ms", "UTC"), InvalidReason.BAD_TIMESTAMP),
        ("timestamp", [NOW_MS, 2**63 - 1], pa.timestamp("ms", "UTC"), InvalidReason.BAD_TIMESTAMP),
        ("timestamp", [NOW_MS, -(2**63)], pa.timestamp("ms", "UTC"), InvalidReason.BAD_TIMESTAMP),
        (
            "timestamp",
            [NOW_MS // 1_000, 2**62],
            pa.timestamp("s", "UTC"),
            InvalidReason.BAD_TIMESTAMP,
        ),
        ("timestamp", [NOW_MS, 0], pa.timestamp("ms", "UTC"), InvalidReason.TOO_LATE),
        (
            "timestamp",
            [NOW_MS, NOW_MS + 300_001],
            pa.timestamp("ms", "UTC"),
            InvalidReason.TOO_EARLY,
        ),
        ("account_name", ["harbor", None], pa.string(), InvalidReason.BAD_ACCOUNT_NAME),
        ("account_name", ["harbor", "no"], pa.string(), InvalidReason.BAD_ACCOUNT_NAME),
        ("worker_name", ["rig", "a\0b"], pa.large_string(), InvalidReason.BAD_WORKER_NAME),
        ("worker_name", ["rig", ""], pa.string(), InvalidReason.BAD_WORKER_NAME),
        ("result", ["stale", None], pa.string(), InvalidReason.BAD_RESULT),
        ("source", ["eu", "\x7f"], pa.string(), InvalidReason.BAD_SOURCE),
    ]
    for name, values, kind, reason in cases:
        column = pa.array(values).view(kind) if pa.types.is_timestamp(kind) else None
        value = _stream([_with(name, pa.array(values, kind) if column is None else column)])
        title = f"Arrow: {name} {values[1]!r}"
        yield Bad(title, value, reason, (1,), topics.ARROW_STREAM)


def _batch(rows: int = 2) -> pa.RecordBatch:
    names = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["harbor"])
    result = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["accepted"])
    times = pa.array(np.full(rows, NOW_MS)).cast(pa.timestamp("ms", "UTC"))
    columns = [times, names, names, pa.array(np.ones(rows)), result, names]
    return pa.record_batch(columns, schema=ARROW_SCHEMA)


def _with(name: str, column: pa.Array) -> pa.RecordBatch:
    batch = _batch()
    return batch.set_column(batch.schema.get_field_index(name), name, column)


def _stream(batches: list[pa.RecordBatch], compression: str | None = None) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    value: bytes = sink.getvalue().to_pybytes()
    return value


def _compressed(codec: str, rows: int) -> bytes:
    """Rows that are all the same: a few kilobytes that inflate to megabytes."""
    zeros = pa.array(np.zeros(rows, np.int32))
    names = pa.DictionaryArray.from_arrays(zeros, ["harbor"])
    times = pa.array(np.full(rows, NOW_MS)).cast(pa.timestamp("ms", "UTC"))
    columns = [times, names, names, pa.array(np.ones(rows)), names, names]
    return _stream([pa.record_batch(columns, schema=ARROW_SCHEMA)], codec)


def _arrow_file() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, ARROW_SCHEMA) as writer:
        writer.write_batch(_batch())
    value: bytes = sink.getvalue().to_pybytes()
    return value


def _index_out_of_range() -> bytes:
    wild = pa.DictionaryArray.from_arrays(
        pa.array([0, 1_000_000], pa.int32()), pa.array(["harbor"]), safe=False
    )
    return _stream([_with("account_name", wild)])
