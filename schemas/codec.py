"""Shares → message values: the encoders that every producer of ours uses."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa

from schemas.batch import ShareBatch
from schemas.share import Share, ShareResult

ARROW_SCHEMA: Final = pa.schema(
    [
        ("timestamp", pa.timestamp("ms", tz="UTC")),
        ("account_name", pa.dictionary(pa.int32(), pa.string())),
        ("worker_name", pa.dictionary(pa.int32(), pa.string())),
        ("difficulty", pa.float64()),
        ("result", pa.dictionary(pa.int32(), pa.string())),
        ("source", pa.dictionary(pa.int32(), pa.string())),
    ]
)

_DETAILS_SCHEMA: Final = pa.schema(
    [
        *ARROW_SCHEMA,
        ("share_difficulty", pa.float64()),
        ("agent", pa.dictionary(pa.int32(), pa.string())),
    ]
)

_RESULT_NAMES: Final = pa.array([result.wire for result in ShareResult])


def share_object(share: Share) -> dict[str, Any]:
    """The JSON object of a share."""
    fields: dict[str, Any] = {
        "timestamp": share.timestamp_ms,
        "account_name": share.account_name,
        "worker_name": share.worker_name,
        "difficulty": share.difficulty,
        "result": share.result.wire,
    }
    if share.source is not None:
        fields["source"] = share.source
    if share.share_difficulty is not None:
        fields["share_difficulty"] = share.share_difficulty
    if share.agent is not None:
        fields["agent"] = share.agent
    return fields


def encode_json(shares: Iterable[Share]) -> bytes:
    """A JSON array of shares; a single share stands without the brackets."""
    objects = [share_object(share) for share in shares]
    return orjson.dumps(objects[0] if len(objects) == 1 else objects)


def encode_arrow(batch: ShareBatch) -> bytes:
    """One Arrow IPC stream with one record batch, uncompressed (Kafka compresses its batches)."""
    accounts, account_codes = _dictionary(account for account, _ in batch.workers)
    names, name_codes = _dictionary(name for _, name in batch.workers)
    worker = pa.array(batch.worker)
    source = pa.array(batch.source, mask=batch.source < 0)
    columns = [
        pa.array(batch.timestamp_ms).cast(pa.timestamp("ms", tz="UTC")),
        pa.DictionaryArray.from_arrays(pa.array(account_codes, pa.int32()).take(worker), accounts),
        pa.DictionaryArray.from_arrays(pa.array(name_codes, pa.int32()).take(worker), names),
        pa.array(batch.difficulty),
        pa.DictionaryArray.from_arrays(pa.array(batch.result).cast(pa.int32()), _RESULT_NAMES),
        pa.DictionaryArray.from_arrays(source, pa.array(list(batch.sources), pa.string())),
    ]
    schema = ARROW_SCHEMA
    if (details := batch.details) is not None:
        schema = _DETAILS_SCHEMA
        unsaid = np.isnan(details.share_difficulty)
        agent = pa.array(details.agent, mask=details.agent < 0)
        agents = pa.array(list(details.agents), pa.string())
        columns += [
            pa.array(details.share_difficulty, mask=unsaid),
            pa.DictionaryArray.from_arrays(agent, agents),
        ]
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))
    return sink.getvalue()


def _dictionary(values: Iterable[str]) -> tuple[pa.Array, list[int]]:
    distinct: dict[str, int] = {}
    codes = [distinct.setdefault(value, len(distinct)) for value in values]
    return pa.array(list(distinct), pa.string()), codes
