"""Ids of many transitions at once are those of each."""

from __future__ import annotations

from uuid import uuid4

from schemas.worker import event_id, event_ids


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    uids, numbers = [uuid4() for _ in range(500)], [n * n for n in range(500)]
    made = event_ids(b"".join(uid.bytes for uid in uids), numbers)
    assert [each.tobytes() for each in made] == [
        event_id(uid, number).bytes for uid, number in zip(uids, numbers, strict=True)
    ]


def test_none_are_none() -> None:
    assert len(event_ids(b"", [])) == 0
