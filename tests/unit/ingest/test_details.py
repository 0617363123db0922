"""Optional details of a share: taken where they fit, ignored where they do not, never a reason."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest

from aggregator.intake.workers.details import SeenDetails
from ingest.decode.decoder import Decoder
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.batch import batch_of, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult

NOW_MS = 1_790_265_931_000
ACCEPTED, STALE = ShareResult.ACCEPTED, ShareResult.STALE
JSON = [(topics.CONTENT_TYPE, topics.JSON.encode())]
ARROW = [(topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())]
SHARES = [
    Share(NOW_MS, "harbor", "a", 8.0, ACCEPTED, "eu", 12_712.5, "bitaxe/2.15"),
    Share(NOW_MS, "harbor", "b", 8.0, ACCEPTED),
    Share(NOW_MS, "harbor", "c", 8.0, STALE, None, None, "cgminer/4.12.1"),
    Share(NOW_MS, "harbor", "c", 8.0, ACCEPTED, None, 9.0),
]


@pytest.mark.parametrize("encoding", ["json", "lines", "arrow"])
def test_details_go_through_every_encoding(encoding: str) -> None:
    value = {
        "json": encode_json(SHARES),
        "lines": b"\n".join(encode_json([share]) for share in SHARES),
        "arrow": encode_arrow(batch_of(SHARES)),
    }[encoding]
    plain = encode_json([Share(NOW_MS, "harbor", "d", 1.0, ACCEPTED)])
    headers = ARROW if encoding == "arrow" else JSON
    decoded = Decoder().decode(
        [PlainRecord(plain, JSON, NOW_MS), PlainRecord(value, headers, NOW_MS)]
    )
    found = sorted(shares_of(decoded.batch), key=lambda share: share.worker_name)
    wanted = [*SHARES, Share(NOW_MS, "harbor", "d", 1.0, ACCEPTED)]
    assert sorted(map(repr, found)) == sorted(map(repr, wanted))
    assert decoded.invalid == []


def test_shares_without_details_cost_no_columns() -> None:
    decoded = Decoder().decode([PlainRecord(encode_json(SHARES[1:2]), JSON, NOW_MS)])
    assert decoded.batch.details is None


@pytest.mark.parametrize(
    "extra",
    [
        b'"agent":{"name":"x"},"share_difficulty":"9"',
        b'"agent":7,"share_difficulty":true',
        b'"agent":"","share_difficulty":-1.0',
        b'"agent":null,"share_difficulty":0',
        b'"agent":"\\u0000\\u0007","share_difficulty":1e300',
        b'"agent":"half \\ud83d","share_difficulty":NaN',
        b'"agent":[[[]]],"share_difficulty":1' + b"0" * 400,
    ],
)
def test_details_that_do_not_fit_say_nothing_and_the_share_counts(extra: bytes) -> None:
    good = encode_json(SHARES[1:2])
    for value in (good[:-1] + b"," + extra + b"}", b"[" + good[:-1] + b"," + extra + b"}]"):
        decoded = Decoder().decode([PlainRecord(value, JSON, NOW_MS)])
        assert decoded.invalid == []
        assert list(shares_of(decoded.batch)) == SHARES[1:2]


def test_arrow_columns_of_other_types_are_somebody_elses() -> None:
    with pa.ipc.open_stream(encode_arrow(batch_of(SHARES[:1]))) as reader:
        table = reader.read_all().drop_columns(["share_difficulty", "agent"])
    table = table.append_column("agent", pa.array([7]))
    table = table.append_column("share_difficulty", pa.array(["9"]))
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    decoded = Decoder().decode([PlainRecord(sink.getvalue(), ARROW, NOW_MS)])
    assert decoded.invalid == []
    assert decoded.batch.details is None


def test_a_long_agent_is_cut() -> None:
    value = encode_json([Share(NOW_MS, "harbor", "a", 8.0, ACCEPTED, agent="x" * 500)])
    decoded = Decoder().decode([PlainRecord(value, JSON, NOW_MS)])
    assert [share.agent for share in shares_of(decoded.batch)] == ["x" * 128]


def test_the_best_accepted_share_and_the_newest_agent_stay() -> None:
    seen = SeenDetails()
    shares = [
        Share(NOW_MS + at, "harbor", worker, 1.0, result, None, reached, agent)
        for at, worker, result, reached, agent in (
            (0, "a", ACCEPTED, 5.0, "old"),
            (3_000, "a", ACCEPTED, 9.0, None),
            (2_000, "a", STALE, 99.0, "new"),
            (1_000, "b", ACCEPTED, None, None),
            (4_000, "b", ACCEPTED, 2.0, None),
        )
    ]
    for part in (shares[:2], shares[2:]):
        batch = batch_of(part)
        index = np.array([{"a": 7, "b": 9}[batch.workers[w][1]] for w in batch.worker], np.int32)
        seen.add(batch, index)
    assert seen.best == {7: (9.0, NOW_MS + 3_000), 9: (2.0, NOW_MS + 4_000)}
    assert seen.agent == {7: ("new", NOW_MS + 2_000)}
    assert not seen.newer_than(seen)
