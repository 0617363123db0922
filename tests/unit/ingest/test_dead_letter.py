"""Dead letters: what they hold, what a replay makes of them, when their limit stops intake."""

from __future__ import annotations

import pytest

from ingest.dead_letters.letter import (
    StoredDeadLetter,
    dead_letters_of,
    indices_text,
    parse_indices,
    stored_dead_letter_of,
)
from ingest.dead_letters.limit import DeadLetterLimit, LimitConfig
from ingest.dead_letters.replay import REPLAY_WITHIN_MS, NotReplayableError, replay_of
from ingest.decode.decoder import Decoder
from ingest.decode.invalid import InvalidMessage
from ingest.errors import FatalError
from ingest.kafka.record import PlainRecord, header
from schemas import topics
from schemas.batch import batch_of, shares_of
from schemas.codec import encode_arrow, encode_json
from schemas.share import Share, ShareResult
from schemas.topics import DeadLetterHeader, InvalidReason
from tests.unit.ingest.bad_messages import GOOD, NOW_MS

BAD = Share(NOW_MS, "harbor", "broken", -1.0, ShareResult.ACCEPTED, "eu-1")
LATE = Share(NOW_MS - 200_000_000, "harbor", "late", 4.0, ShareResult.ACCEPTED)
ARROW = (topics.CONTENT_TYPE, topics.ARROW_STREAM.encode())


def letter(value: bytes | None, headers: list[tuple[str, bytes]]) -> StoredDeadLetter:
    """The one letter of a message, written and read back."""
    record = PlainRecord(value, headers, NOW_MS, key=b"key", partition=3, offset=77)
    [sent] = dead_letters_of(Decoder().decode([record]).invalid, [record])
    return stored_dead_letter_of(PlainRecord(sent.value, sent.headers, NOW_MS, sent.key, offset=5))


def test_letter_holds_the_original_whole_and_its_origin() -> None:
    headers = [("trace", b"abc"), (topics.PRODUCER_ID, b"p1"), (topics.SEQUENCE, b"9")]
    value = encode_json([GOOD, BAD])
    found = letter(value, headers)
    assert (found.key, found.value, found.headers) == (b"key", value, tuple(headers))
    assert (found.reason, found.shares) == (InvalidReason.BAD_DIFFICULTY, [1])
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
    [sent] = dead_letters_of(Decoder().decode([record]).invalid, [record])
    assert sent.size_bytes > 1_000_000


def test_long_detail_is_cut_between_characters() -> None:
    record = PlainRecord(b"?", [], NOW_MS)
    [sent] = dead_letters_of(
        [InvalidMessage(0, InvalidReason.WRONG_SCHEMA, "x" + "é" * 1_000)], [record]
    )
    read = stored_dead_letter_of(PlainRecord(sent.value, sent.headers, NOW_MS))
    assert read.detail == "x" + "é" * 499


def test_record_without_our_headers_is_no_letter() -> None:
    with pytest.raises(ValueError, match="dead-letter-reason"):
        stored_dead_letter_of(PlainRecord(b"x", [], NOW_MS))


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
    assert Decoder().decode([record]).invalid[0].shares == (0, 1)
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


def messages(count: int) -> list[PlainRecord]:
    return [PlainRecord(b"") for _ in range(count)]


def test_limit_stops_at_so_many_in_a_row_over_fetches() -> None:
    limit = DeadLetterLimit(LimitConfig(window=10_000, share=0.1, in_a_row=10))
    limit.add(messages(5), [1, 2, 3, 4])
    limit.add(messages(0), [])
    limit.add(messages(5), [0, 1, 2, 3, 4])
    limit.add(messages(3), [1])
    limit.add(messages(9), [0, 1, 2, 3, 4, 5, 6, 7, 8][:8])
    limit.add(messages(10), list(range(9)))
    with pytest.raises(FatalError, match="unreadable"):
        limit.add(messages(20), list(range(5, 15)))


def test_limit_stops_at_its_share_of_the_last_messages() -> None:
    limit = DeadLetterLimit(LimitConfig(window=100, share=0.1, in_a_row=1_000))
    limit.add(messages(1_000), list(range(0, 1_000, 10)))
    with pytest.raises(FatalError, match="11 of the last 100"):
        limit.add(messages(10), [2, 3])


def test_a_person_can_switch_the_limit_off() -> None:
    limit = DeadLetterLimit(LimitConfig(share=1.0, in_a_row=0))
    for _ in range(3):
        limit.add(messages(10_000), range(10_000))


def test_message_of_the_limit_names_the_setting_the_command_and_the_place() -> None:
    limit = DeadLetterLimit(LimitConfig(in_a_row=1))
    with pytest.raises(FatalError) as stopped:
        limit.add([PlainRecord(b"?", partition=3, offset=41)], [0])
    for part in ("HASHGAUGE_DEAD_LETTERS__LIMIT__SHARE=1", "--partition 3", "offset 41 of"):
        assert part in str(stopped.value)


def test_limit_forgets_what_is_behind_the_window() -> None:
    limit = DeadLetterLimit(LimitConfig(window=100, share=0.1, in_a_row=1_000))
    limit.add(messages(100), list(range(0, 20, 2)))
    limit.add(messages(100), [])
    limit.add(messages(100), list(range(0, 20, 2)))


def test_limit_counts_only_what_gave_no_share() -> None:
    partly = InvalidMessage(0, InvalidReason.BAD_DIFFICULTY, "", (1,))
    stranger = InvalidMessage(1, InvalidReason.UNKNOWN_ACCOUNT, "", (0,))
    assert [partly.undecodable, stranger.undecodable] == [False, False]
    assert InvalidMessage(2, InvalidReason.MALFORMED_JSON, "").undecodable
