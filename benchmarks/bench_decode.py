"""Decoding shares, and decoding plus folding: the fold must not cost more than the decoding.

400,000 shares of 20,000 workers over ten minutes, in messages of 4,000; seeded and encoded before
the clock starts. Both figures of a ratio come from one run, each the best of its rounds.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pytest

from aggregator.intake.fold import MinuteRows, fold
from benchmarks.results import record
from ingest.decode.decoder import Decoded, Decoder
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.batch import ShareBatch, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import ShareResult

SHARES: Final = 400_000
SHARES_PER_MESSAGE: Final = 4_000
WORKERS: Final = 20_000
NOW_MS: Final = 1_790_265_931_909
ROUNDS: Final = 5


def batches() -> list[ShareBatch]:
    """Messages as stratum servers send them: a few of the workers each, 2 % rejected."""
    random = np.random.default_rng(7)
    names = [
        (f"account{number % 500}", f"rack{number // 40}.unit{number}") for number in range(WORKERS)
    ]
    sources = [f"eu-{number}" for number in range(8)]
    made = []
    for _ in range(SHARES // SHARES_PER_MESSAGE):
        present = random.choice(WORKERS, 1_000, replace=False)
        rejected = random.random(SHARES_PER_MESSAGE) < 0.02
        reasons = random.integers(1, len(ShareResult), SHARES_PER_MESSAGE)
        made.append(
            ShareBatch(
                NOW_MS - random.integers(0, 600_000, SHARES_PER_MESSAGE),
                random.integers(0, len(present), SHARES_PER_MESSAGE).astype(np.int32),
                np.exp2(random.integers(10, 20, SHARES_PER_MESSAGE)).astype(np.float64),
                np.where(rejected, reasons, 0).astype(np.uint8),
                np.full(SHARES_PER_MESSAGE, random.integers(8), np.int32),
                [names[index] for index in present],
                sources,
            )
        )
    return made


def messages(codec: str) -> list[PlainRecord]:
    """The same shares as JSON arrays, single JSON objects or Arrow streams."""
    if codec == "arrow":
        headers = [(topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())]
        return [PlainRecord(encode_arrow(batch), headers, NOW_MS) for batch in batches()]
    headers = [(topics.CONTENT_TYPE, topics.JSON.encode())]
    values = (
        [encode_json(shares_of(batch)) for batch in batches()]
        if codec == "json"
        else [encode_json([share]) for batch in batches() for share in shares_of(batch)]
    )
    return [PlainRecord(value, headers, NOW_MS) for value in values]


def decode(records: Sequence[PlainRecord]) -> Decoded:
    return Decoder().decode(records)


def decode_and_fold(records: Sequence[PlainRecord]) -> MinuteRows:
    batch = decode(records).batch
    return fold(
        batch.timestamp_ms // 1_000,
        batch.worker,
        difficulty=batch.difficulty,
        result=batch.result,
        source=batch.source,
    )


def best_s(*works: Callable[[], Any]) -> list[float]:
    """Processor seconds of each work's fastest round; the works take turns.

    Processor time, since other processes on the machine count for little in it.
    """
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for rounds, work in zip(taken, works, strict=True):
            gc.collect()
            start = time.process_time()
            work()
            rounds.append(time.process_time() - start)
    return [min(rounds) for rounds in taken]


@pytest.mark.parametrize("codec", ["json", "arrow"])
def test_decode_and_fold_against_decode_alone(codec: str, benchmark: Any) -> None:
    records = messages(codec)
    rows = benchmark.pedantic(decode_and_fold, args=(records,), rounds=1)
    assert int((rows.accepted_count + rows.rejected_count).sum()) == SHARES
    alone_s, both_s = best_s(lambda: decode(records), lambda: decode_and_fold(records))
    rate = SHARES / alone_s / 1e6
    record(
        f"decode_fold_{codec}",
        alone_s / both_s,
        "ratio",
        "decoding alone",
        f"{SHARES:,} shares of {WORKERS:,} workers in messages of {SHARES_PER_MESSAGE:,}; "
        f"decoding alone takes in {rate:.2f} million shares/s",
    )
    assert alone_s / both_s >= 0.5


def test_single_share_messages(benchmark: Any) -> None:
    records = messages("json single")[: SHARES // 5]
    decoded = benchmark.pedantic(decode, args=(records,), rounds=1)
    assert (len(decoded.batch), decoded.invalid) == (len(records), [])
    [alone_s] = best_s(lambda: decode(records))
    rate = len(records) / alone_s / 1e6
    record(
        "decode_json_single", rate, "million shares/s", "", "one JSON share a message, as columns"
    )
