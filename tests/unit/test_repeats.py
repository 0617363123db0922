"""Repeated messages: only what is above the highest sequence of its producer is taken."""

from __future__ import annotations

from aggregator.minutes.config import IntakeConfig
from aggregator.minutes.repeats import NEVER, Mark, ProducerKey, Repeats, marks_of
from ingest.record import PlainRecord, Record


def message(producer: str | None, sequence: str | None, partition: int = 0) -> PlainRecord:
    headers = []
    if producer is not None:
        headers.append(("producer-id", producer.encode()))
    if sequence is not None:
        headers.append(("sequence", sequence.encode()))
    return PlainRecord(b"{}", headers=headers, partition=partition)


def fresh(known: Repeats, *records: PlainRecord) -> tuple[list[Record], dict[ProducerKey, int]]:
    kept, taken = known.fresh(records, marks_of(records))
    return list(kept), taken


def repeats(**settings: int) -> Repeats:
    found = Repeats(IntakeConfig(**settings))
    found.remember({(0, "a"): NEVER, (1, "a"): NEVER, (0, "b"): 41})
    return found


def test_rising_sequences_are_taken_and_others_dropped() -> None:
    known = repeats()
    records = [message("a", n) for n in ("1", "2", "2", "1", "5")]
    kept, taken = fresh(known, *records)
    assert [each.headers[1][1] for each in kept] == [b"1", b"2", b"5"]
    assert taken == {(0, "a"): 5}
    assert fresh(known, *records) == ([], {})


def test_what_the_database_remembers_is_dropped_after_a_restart() -> None:
    kept, taken = fresh(repeats(), message("b", "41"), message("b", "42"))
    assert len(kept) == 1
    assert taken == {(0, "b"): 42}


def test_partitions_count_apart() -> None:
    kept, _ = fresh(repeats(), message("a", "1"), message("a", "1", partition=1))
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
    assert marks_of(odd) == []
    kept, taken = fresh(repeats(), *odd, *odd)
    assert (len(kept), taken) == (2 * len(odd), {})


def test_producer_ids_of_any_bytes_make_a_name_that_the_database_can_hold() -> None:
    headers = [("producer-id", b"\xff\x00x"), ("sequence", b"7")]
    assert marks_of([PlainRecord(b"", headers=headers)]) == [Mark(0, (0, "\\xff\\x00x"), 7)]


def test_only_flushed_producers_are_forgotten() -> None:
    known = repeats(sequences_cached=1)
    fresh(known, message("a", "1"))
    known.trim({(0, "a")})
    later = marks_of([message("a", "2"), message("b", "50")])
    assert known.missing(later) == [(0, "b")]


def test_producers_of_a_fetch_stay_while_a_flush_trims() -> None:
    """Asking the database about some of them takes a while, in which a flush may end."""
    known = repeats(sequences_cached=1)
    records = [message("a", "1"), message("new", "7")]
    missing = known.missing(marks_of(records))
    assert missing == [(0, "new")]
    known.trim(unflushed=())
    known.remember(dict.fromkeys(missing, NEVER))
    kept, taken = fresh(known, *records)
    assert len(kept) == 2
    assert taken == {(0, "a"): 1, (0, "new"): 7}
    # Afterwards they may go.
    known.missing([])
    known.trim(unflushed=())
    assert len(known.missing(marks_of([*records, message("b", "1")]))) == 2
