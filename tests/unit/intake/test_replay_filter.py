"""What a replay makes of a fetch: of records counted before only what must count again."""

from __future__ import annotations

from aggregator.intake.config import IntakeConfig
from aggregator.intake.dedup import NEVER, Deduplication, producer_sequences_of
from aggregator.intake.partitions.offsets import Claim, ReplaySpan
from aggregator.intake.partitions.tracker import AssignedPartitions
from aggregator.intake.timestamps import timestamp_of
from aggregator.replay.filter import ReplayFilter
from ingest.dead_letters.replay import origin_of
from ingest.decode.decoder import Decoder
from ingest.kafka.progress import Progress
from ingest.kafka.record import PlainRecord
from schemas.codec import encode_json
from schemas.share import Share, ShareResult

SINCE_MS = 1_790_265_900_000
SPANS = {0: ReplaySpan(100, 200, SINCE_MS)}
REPLAY = ReplayFilter(SPANS)


def record(
    offset: int, value: bytes = b"{}", *, partition: int = 0, producer: str = "a", sequence: int = 1
) -> PlainRecord:
    headers = [("producer-id", producer.encode()), ("sequence", b"%d" % sequence)]
    return PlainRecord(
        value, headers, timestamp=SINCE_MS, topic="shares", partition=partition, offset=offset
    )


def shares(*ages_ms: int) -> bytes:
    return encode_json(
        [Share(SINCE_MS - age, "harbor", "rig", 1.0, ShareResult.ACCEPTED, None) for age in ages_ms]
    )


def test_without_a_replay_nothing_is_left_out() -> None:
    records = [record(199, shares(1, 0)), record(200, b"{torn")]
    decoded, normal = Decoder().decode(records), ReplayFilter()
    assert normal.shares(decoded, records) is decoded
    assert normal.dead_letters(decoded.invalid, records) is decoded.invalid
    numbered = producer_sequences_of(records)
    assert normal.sequences(numbered, records) is numbered


def test_old_shares_of_old_records_are_left_out() -> None:
    value = shares(1, 0, -1, 60_000)
    records = [record(199, value), record(200, value), record(150, value, partition=1)]
    due = REPLAY.shares(Decoder().decode(records), records)
    assert due.message.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert due.position.tolist() == [1, 2, 0, 1, 2, 3, 0, 1, 2, 3]
    assert (due.batch.timestamp_ms[:2] >= SINCE_MS).all()


def test_dead_letters_go_out_for_new_records_only() -> None:
    records = [record(199, b"{torn"), record(200, b"{torn"), record(7, b"{torn", partition=1)]
    invalid = Decoder().decode(records).invalid
    assert [each.message for each in REPLAY.dead_letters(invalid, records)] == [1, 2]


def test_a_replay_finds_duplicates_by_itself() -> None:
    """The first time, sequence 7 was the highest; that still holds for records after the replay."""
    known = Deduplication(IntakeConfig())
    known.remember({(0, "a"): 7, (-1, "a"): NEVER})
    records = [record(198, sequence=6), record(199, sequence=6), record(200, sequence=6)]
    numbered = REPLAY.sequences(producer_sequences_of(records), records)
    new, highest = known.new(records, numbered)
    assert [each.offset for each in new] == [198]
    assert highest == {(-1, "a"): 6}


def test_what_was_sent_again_by_hand_is_left_to_its_original() -> None:
    known = Deduplication(IntakeConfig())
    producers = {
        "dead-letter/shares/0/100": 0,  # read again: judged there
        "dead-letter/shares/0/99": 1,  # before the replay
        "dead-letter/shares/1/100": 1,  # another partition
        "dead-letter/other/0/100": 1,  # another topic
        "dead-letter/shares/0/x": 1,  # a producer of that name
    }
    known.remember({(-1, producer): NEVER for producer in producers})
    records = [record(150, producer=producer) for producer in producers]
    new, _ = known.new(records, REPLAY.sequences(producer_sequences_of(records), records))
    assert len(new) == sum(producers.values())
    assert records[0] not in new


def test_an_origin_is_read_from_the_identity() -> None:
    assert origin_of("dead-letter/a.b-c/12/345") == ("a.b-c", 12, 345)
    assert origin_of("stratum-1") is None
    assert origin_of("dead-letter/shares/1") is None


def assigned() -> AssignedPartitions:
    partitions = AssignedPartitions(IntakeConfig())
    claim = Claim(0, 1, 198, None, None, None, None, 100, 200, timestamp_of(SINCE_MS))
    partitions.add(claim, 198)
    return partitions


def test_a_replay_ends_with_the_last_record_counted_before() -> None:
    partitions = assigned()
    assert partitions.replays() == SPANS
    for offset, replays in ((198, True), (199, False)):
        partitions.advance({0: [record(offset)]}, {}, now_ms=SINCE_MS)
        (part,) = partitions.seal(SINCE_MS)
        assert part.replays is replays
    assert partitions.replays() == {}


def test_a_replay_ends_behind_what_cannot_be_read() -> None:
    """The last offsets hold marks of transactions: no record comes, the position moves."""
    partitions = assigned()
    partitions.advance({0: [record(198)]}, {0: Progress(199, 200, SINCE_MS)}, now_ms=SINCE_MS)
    assert partitions.replays() == SPANS
    partitions.advance({}, {0: Progress(200, 200, SINCE_MS)}, now_ms=SINCE_MS)
    assert partitions.replays() == {}
