"""Arrow as other programs write it."""

from __future__ import annotations

import pyarrow as pa

from ingest.decode.decoder import DecodeConfig, Decoder
from ingest.kafka.record import PlainRecord
from schemas.batch import batch_of
from schemas.codec import encode_arrow
from schemas.share import ShareResult
from schemas.topics import InvalidReason
from tests.unit.ingest.bad_messages import GOOD, NOW_MS
from tests.unit.ingest.decoding import ARROW, arrow, decoded_shares, share


def test_arrow_of_streams_end_to_end_counts_all_of_them() -> None:
    """What a file is that two programs have appended to."""
    first, second = (encode_arrow(batch_of([GOOD] * count)) for count in (2, 3))
    for between, after in ((b"", b""), (b"", b"\n"), (b"", b"\0" * 64)):
        assert len(decoded_shares(first + between + second + after, ARROW)) == 5
    limited = Decoder(DecodeConfig(max_shares=4))
    [invalid] = limited.decode([PlainRecord(first + second, ARROW, NOW_MS)]).invalid
    assert invalid.reason is InvalidReason.OVERSIZED
    [invalid] = Decoder().decode([PlainRecord(first + second[:-40], ARROW, NOW_MS)]).invalid
    assert invalid.reason is InvalidReason.MALFORMED_ARROW


def test_arrow_of_many_empty_streams_is_bounded() -> None:
    end = b"\xff\xff\xff\xff\0\0\0\0"
    value = encode_arrow(batch_of([GOOD])) + end * 1_000_000
    [invalid] = Decoder().decode([PlainRecord(value, ARROW, NOW_MS)]).invalid
    assert invalid.reason in (InvalidReason.OVERSIZED, InvalidReason.MALFORMED_ARROW)


def test_arrow_as_polars_and_pandas_write_it() -> None:
    """Views of texts, and a column of nothing but None."""
    value = arrow(
        timestamp=pa.array([NOW_MS], pa.timestamp("ms", "UTC")),
        account_name=pa.array([GOOD.account_name], pa.string_view()),
        worker_name=pa.array([GOOD.worker_name], pa.string_view()),
        difficulty=pa.array([GOOD.difficulty]),
        result=pa.array(["accepted"], pa.string_view()),
        source=pa.nulls(1),
    )
    assert decoded_shares(value, ARROW) == [share(source=None, result=ShareResult.ACCEPTED)]
