"""Decoding of one good message, and what it is made of."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ingest.decode.decoder import Decoder
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.batch import shares_of
from schemas.share import Share
from tests.unit.ingest.bad_messages import GOOD, NOW_MS

ARROW = [(topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())]


def share(**fields: Any) -> Share:
    return Share(**{**{name: getattr(GOOD, name) for name in Share.__slots__}, **fields})


def decoded_shares(value: bytes, headers: list[tuple[str, bytes]] | None = None) -> list[Share]:
    decoded = Decoder().decode([PlainRecord(value, headers or [], NOW_MS)])
    assert decoded.invalid == []
    return list(shares_of(decoded.batch))


def arrow(**columns: pa.Array) -> bytes:
    sink = pa.BufferOutputStream()
    batch = pa.record_batch(columns)
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    value: bytes = sink.getvalue().to_pybytes()
    return value
