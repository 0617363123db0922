"""Batches of every codec are inflated as aiokafka does it, up to a limit."""

from __future__ import annotations

import importlib

import pytest
import zstandard
from aiokafka import codec

from ingest.kafka.bounded_inflate import InflatedTooLargeError, inflaters, limit_inflation

# More than codecs are asked for at once.
LIMIT = 5 << 20
CODECS = ("gzip", "zstd", "lz4", "snappy")


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("size", [1, 100_000, 1 << 20, (1 << 20) + 1, LIMIT])
def test_what_fits_is_whole(name: str, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    packed = getattr(codec, f"{name}_encode")(data)
    assert inflaters(LIMIT)[f"{name}_decode"](memoryview(packed)) == data


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("size", [LIMIT + 1, 64 << 20])
def test_what_claims_more_is_refused(name: str, size: int) -> None:
    packed = getattr(codec, f"{name}_encode")(bytes(size))
    with pytest.raises(InflatedTooLargeError):
        inflaters(LIMIT)[f"{name}_decode"](packed)


def test_a_stream_of_zstd_that_states_no_size_is_bounded_too() -> None:
    stream = zstandard.ZstdCompressor().compressobj()
    packed = stream.compress(bytes(64 << 20)) + stream.flush()
    with pytest.raises(InflatedTooLargeError):
        inflaters(LIMIT)["zstd_decode"](packed)


def test_aiokafka_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("aiokafka.record._crecords.default_records")
    from aiokafka.record._crecords.default_records import (
        DefaultRecordBatch,
        DefaultRecordBatchBuilder,
    )

    builder = DefaultRecordBatchBuilder(2, 4, 0, -1, -1, 0, 1 << 30)
    builder.append(0, 1, b"", bytes(6 << 20), [])
    packed = bytes(builder.build())
    before = {name: getattr(module, name) for name in inflaters(LIMIT)}
    try:
        limit_inflation(LIMIT)
        with pytest.raises(InflatedTooLargeError):
            list(DefaultRecordBatch(packed))
        limit_inflation(8 << 20)
        assert len(list(DefaultRecordBatch(packed))) == 1
    finally:
        for name, original in before.items():
            setattr(module, name, original)
