"""Dead letters: what stands on them, what a replay makes of them, when the ceiling stops."""

from __future__ import annotations

import pytest

from ingest.dead_letter import Ceiling, indices_text, letters_of
from ingest.dead_letter_tools import (
    REPLAY_WITHIN_MS,
    Letter,
    NotReplayableError,
    letter_of,
    parse_indices,
    replay_of,
)
from ingest.decode import Decoder
from ingest.errors import FatalError
from ingest.record import PlainRecord, header
from ingest.reject import Reject
from schemas import topics
from schemas.batch import batch_of, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from schemas.topics import DeadLetterHeader, Reason
from tests.unit.bad_messages import GOOD, NOW_MS

BAD = Share(NOW_MS, "harbor", "broken", -1.0, ShareResult.ACCEPTED, "eu-1")
LATE = Share(NOW_MS - 200_000_000, "harbor", "late", 4.0, ShareResult.ACCEPTED)
ARROW = (topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())


def letter(value: bytes | None, headers: list[tuple[str, bytes]]) -> Letter:
    """The one letter of a message, written and read back."""
    record = PlainRecord(value, headers, NOW_MS, key=b"key", partition=3, offset=77)
    [sent] = letters_of(Decoder().decode([record]).rejects, [record])
    return letter_of(PlainRecord(sent.value, sent.headers, NOW_MS, sent.key, offset=5))


def test_letter_holds_the_original_whole_and_its_origin() -> None:
    headers = [("trace", b"abc"), (topics.PRODUCER_ID, b"p1"), (topics.SEQUENCE, b"9")]
    value = encode_json([GOOD, BAD])
    found = letter(value, headers)
    assert (found.key, found.value, found.headers) == (b"key", value, tuple(headers))
    assert (found.reason, found.shares) == (Reason.BAD_DIFFICULTY, [1])
    assert (found.origin_topic, found.origin_partition, found.origin_offset) == ("shares", 3, 77)
    assert found.origin_timestamp_ms == NOW_MS


def test_message_with_several_faults_is_one_letter() -> None:
    found = letter(encode_json([BAD, GOOD, LATE, BAD]), [])
    assert found.shares == [0, 2, 3]
    assert found.detail == "bad_difficulty x2, too_late x1"


def test_producer_cannot_forge_an_origin() -> None:
    found = letter(b"?", [(str(DeadLetterHeader.OFFSET), b"1")])
    assert found.origin_offset == 77


def test_size_of_a_letter_counts_its_headers() -> None:
    record = PlainRecord(b"?", [("trace", bytes(1_000_000))], NOW_MS)
    [sent] = letters_of(Decoder().decode([record]).rejects, [record])
    assert sent.size_bytes > 1_000_000


def test_long_detail_is_cut_between_characters() -> None:
    record = PlainRecord(b"?", [], NOW_MS)
    [sent] = letters_of([Reject(0, Reason.WRONG_SCHEMA, "x" + "é" * 1_000)], [record])
    read = letter_of(PlainRecord(sent.value, sent.headers, NOW_MS))
    assert read.detail == "x" + "é" * 499


def test_record_without_our_headers_is_no_letter() -> None:
    with pytest.raises(ValueError, match="dead-letter-reason"):
        letter_of(PlainRecord(b"x", [], NOW_MS))


@pytest.mark.parametrize("indices", [[], [0], [0, 1, 2, 7], [5, 9, 10], list(range(1_000))])
def test_indices_survive_the_header(indices: list[int]) -> None:
    text = indices_text(indices)
    assert parse_indices(text) == indices
    assert len(text) <= 10


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (encode_json([GOOD, LATE, GOOD, LATE]), []),
        (b"\n".join(encode_json([each]) for each in [GOOD, LATE, GOOD, LATE]), []),
        (encode_arrow(batch_of([GOOD, LATE, GOOD, LATE])), [ARROW]),
    ],
    ids=["array", "lines", "arrow"],
)
def test_replay_holds_only_the_bad_shares(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    message = replay_of(letter(value, headers), NOW_MS)
    record = PlainRecord(message.value, message.headers, NOW_MS)
    patient = Decoder().decode([PlainRecord(message.value, message.headers, LATE.timestamp_ms)])
    assert list(shares_of(patient.batch)) == [LATE, LATE]
    assert Decoder().decode([record]).rejects[0].shares == (0, 1)
    assert (message.topic, message.partition, message.timestamp_ms) == ("shares", 3, NOW_MS)
    assert message.key == b"key"


def test_replay_of_a_whole_message_is_the_message() -> None:
    assert replay_of(letter(b"{torn", []), NOW_MS).value == b"{torn"


def test_replay_keeps_headers_and_bears_an_identity_of_its_origin() -> None:
    headers = [("trace", b"abc"), (topics.PRODUCER_ID, b"p1"), (topics.SEQUENCE, b"9")]
    once, again = (replay_of(letter(encode_json([BAD]), headers), NOW_MS) for _ in range(2))
    assert once == again
    assert header(once.headers, "trace") == b"abc"
    assert header(once.headers, topics.PRODUCER_ID) == b"dead-letter/shares/3/77"
    assert header(once.headers, topics.SEQUENCE) == b"1"
    assert not {name for name, _ in once.headers} & {str(name) for name in DeadLetterHeader}


def test_replay_refuses_what_it_cannot_send_again() -> None:
    with pytest.raises(NotReplayableError, match="no value"):
        replay_of(letter(None, []), NOW_MS)
    old = letter(encode_json([BAD]), [])
    later = NOW_MS + REPLAY_WITHIN_MS + 1
    with pytest.raises(NotReplayableError, match="48 hours"):
        replay_of(old, later)
    assert replay_of(old, later, allow_old=True).key == b"key"


def test_ceiling_stops_at_so_many_in_a_row_over_fetches() -> None:
    ceiling = Ceiling(window=10_000, share=0.1, in_a_row=10)
    ceiling.add(5, [1, 2, 3, 4])
    ceiling.add(0, [])
    ceiling.add(5, [0, 1, 2, 3, 4])
    ceiling.add(3, [1])
    ceiling.add(9, [0, 1, 2, 3, 4, 5, 6, 7, 8][:8])
    ceiling.add(10, list(range(9)))
    with pytest.raises(FatalError, match="undecodable"):
        ceiling.add(20, list(range(5, 15)))


def test_ceiling_stops_at_its_share_of_the_last_messages() -> None:
    ceiling = Ceiling(window=100, share=0.1, in_a_row=1_000)
    ceiling.add(1_000, list(range(0, 1_000, 10)))
    with pytest.raises(FatalError, match="11 of the last 100"):
        ceiling.add(10, [2, 3])


def test_ceiling_forgets_what_is_behind_the_window() -> None:
    ceiling = Ceiling(window=100, share=0.1, in_a_row=1_000)
    ceiling.add(100, list(range(0, 20, 2)))
    ceiling.add(100, [])
    ceiling.add(100, list(range(0, 20, 2)))


def test_ceiling_counts_only_what_gave_no_share() -> None:
    partly = Reject(0, Reason.BAD_DIFFICULTY, "", (1,))
    stranger = Reject(1, Reason.UNKNOWN_ACCOUNT, "", (0,))
    assert [partly.undecodable, stranger.undecodable] == [False, False]
    assert Reject(2, Reason.MALFORMED_JSON, "").undecodable
