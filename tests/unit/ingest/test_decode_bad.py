"""Bad messages: each gets its reason, nothing bad counts, and its neighbours are not harmed."""

from __future__ import annotations

import pytest

from ingest.decode.decoder import Decoder
from ingest.kafka.record import PlainRecord
from schemas import topics
from schemas.codec import encode_json
from tests.unit.ingest.bad_messages import GOOD, NOW_MS, Bad, bad_messages

BAD = bad_messages()


def record(bad: Bad) -> PlainRecord:
    kind = bad.content_type
    headers = [] if kind is None else [(topics.CONTENT_TYPE, kind.encode())]
    return PlainRecord(bad.value, headers, NOW_MS)


GOOD_RECORD = PlainRecord(encode_json([GOOD]), [], NOW_MS)


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
def test_bad_message_has_its_reason_and_harms_no_neighbour(bad: Bad) -> None:
    decoded = Decoder().decode([GOOD_RECORD, record(bad), GOOD_RECORD])
    [invalid] = decoded.invalid
    assert (invalid.message, invalid.reason, invalid.shares) == (1, bad.reason, bad.shares)
    assert invalid.detail
    places = list(zip(decoded.message.tolist(), decoded.position.tolist(), strict=True))
    assert (0, 0) in places
    assert (2, 0) in places
    assert not set(places) & {(1, share) for share in bad.shares}
    if not bad.shares:
        assert 1 not in decoded.message


def test_all_at_once_give_the_same_as_one_by_one() -> None:
    records = [record(bad) for bad in BAD]
    together = Decoder().decode(records)
    assert [invalid.message for invalid in together.invalid] == list(range(len(BAD)))
    alone = [Decoder().decode([each]) for each in records]
    assert [(invalid.reason, invalid.shares) for invalid in together.invalid] == [
        (each.invalid[0].reason, each.invalid[0].shares) for each in alone
    ]
    assert len(together.batch) == sum(len(each.batch) for each in alone)


def test_there_are_enough_kinds_of_bad_messages() -> None:
    assert len({bad.name for bad in BAD}) == len(BAD) >= 60
    assert {bad.reason for bad in BAD} == set(topics.InvalidReason) - {
        topics.InvalidReason.UNKNOWN_ACCOUNT
    }
