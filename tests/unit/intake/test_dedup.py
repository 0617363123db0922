"""Repeated messages: only what is above the highest sequence of its producer is highest."""

from __future__ import annotations

from aggregator.intake.config import IntakeConfig
from aggregator.intake.dedup import (
    NEVER,
    Deduplication,
    ProducerKey,
    ProducerSequence,
    producer_sequences_of,
)
from ingest.kafka.record import PlainRecord, Record


def message(producer: str | None, sequence: str | None, partition: int = 0) -> PlainRecord:
    headers = []
    if producer is not None:
        headers.append(("producer-id", producer.encode()))
    if sequence is not None:
        headers.append(("sequence", sequence.encode()))
    return PlainRecord(b"{}", headers=headers, partition=partition)


def new(known: Deduplication, *records: PlainRecord) -> tuple[list[Record], dict[ProducerKey, int]]:
    kept, highest = known.new(records, producer_sequences_of(records))
    return list(kept), highest


def repeats(**settings: int) -> Deduplication:
    found = Deduplication(IntakeConfig(**settings))
    found.remember({(0, "a"): NEVER, (1, "a"): NEVER, (0, "b"): 41})
    return found


def test_rising_sequences_are_taken_and_others_dropped() -> None:
    known = repeats()
    records = [message("a", n) for n in ("1", "2", "2", "1", "5")]
    kept, highest = new(known, *records)
    assert [each.headers[1][1] for each in kept] == [b"1", b"2", b"5"]
    assert highest == {(0, "a"): 5}
    assert new(known, *records) == ([], {})


def test_what_the_database_remembers_is_dropped_after_a_restart() -> None:
    kept, highest = new(repeats(), message("b", "41"), message("b", "42"))
    assert len(kept) == 1
    assert highest == {(0, "b"): 42}


def test_partitions_count_apart() -> None:
    kept, _ = new(repeats(), message("a", "1"), message("a", "1", partition=1))
    assert len(kept) == 2


def test_messages_without_usable_marks_are_always_taken() -> None:
    odd = [
        message(None, "1"),
        message("a", None),
        message("", "1"),
        message("a", "-1"),
        message("a", "1.5"),
        message("a", "x"),
        message("a", str(2**63)),
        message("p" * 257, "1"),
    ]
    assert producer_sequences_of(odd) == []
    kept, highest = new(repeats(), *odd, *odd)
    assert (len(kept), highest) == (2 * len(odd), {})


def test_producer_ids_of_any_bytes_make_a_name_that_the_database_can_hold() -> None:
    headers = [("producer-id", b"\xff\x00x"), ("sequence", b"7")]
    assert producer_sequences_of([PlainRecord(b"", headers=headers)]) == [
        ProducerSequence(0, (0, "\\xff\\x00x"), 7)
    ]


def test_only_flushed_producers_are_forgotten() -> None:
    known = repeats(sequences_cached=1)
    new(known, message("a", "1"))
    known.trim({(0, "a")})
    later = producer_sequences_of([message("a", "2"), message("b", "50")])
    assert known.missing(later) == [(0, "b")]


def test_producers_of_a_fetch_stay_while_a_flush_trims() -> None:
    """Asking the database about some of them takes a while, in which a flush may end."""
    known = repeats(sequences_cached=1)
    records = [message("a", "1"), message("new", "7")]
    missing = known.missing(producer_sequences_of(records))
    assert missing == [(0, "new")]
    known.trim(unflushed=())
    known.remember(dict.fromkeys(missing, NEVER))
    kept, highest = new(known, *records)
    assert len(kept) == 2
    assert highest == {(0, "a"): 1, (0, "new"): 7}
    # Afterwards they may go.
    known.missing([])
    known.trim(unflushed=())
    assert len(known.missing(producer_sequences_of([*records, message("b", "1")]))) == 2
