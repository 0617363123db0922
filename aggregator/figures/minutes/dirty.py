"""Which minutes changed, and which buckets of a rollup level that concerns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.windows import floor_to


@dataclass(frozen=True, slots=True)
class Dirty:
    """A minute with new or changed rows. `worker_ids=None` means that any worker may have changed.

    Naming the workers saves work (plain PostgreSQL then leaves the others' rows alone); it is never
    needed for a right result.
    """

    minute_s: int
    worker_ids: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Stale:
    """Buckets of one level to make anew: whole ones, and single rows of others.

    whole  bucket starts in epoch seconds
    rows   (worker_id, bucket start), none of them in a bucket of `whole`
    """

    whole: frozenset[int]
    rows: frozenset[tuple[int, int]]

    def widened(self, width_s: int) -> Stale:
        """The same, for a level of buckets `width_s` wide."""
        whole = frozenset(floor_to(start_s, width_s) for start_s in self.whole)
        rows = {(key, floor_to(start_s, width_s)) for key, start_s in self.rows}
        return Stale(whole, frozenset(row for row in rows if row[1] not in whole))

    def since(self, start_s: int) -> Stale:
        """Without the buckets before `start_s`."""
        return Stale(
            frozenset(bucket for bucket in self.whole if bucket >= start_s),
            frozenset(row for row in self.rows if row[1] >= start_s),
        )

    def parted(self, at_s: int | None) -> tuple[Stale, Stale]:
        """The buckets before `at_s` (None: none of them) and the others."""
        if at_s is None:
            return Stale(frozenset(), frozenset()), self
        later = self.since(at_s)
        return Stale(self.whole - later.whole, self.rows - later.rows), later

    def buckets(self) -> frozenset[int]:
        """Starts of all buckets concerned, whole or in part."""
        return self.whole | {start_s for _, start_s in self.rows}


def stale_minutes(dirty: Iterable[Dirty]) -> Stale:
    """What `dirty` says, without repeats."""
    whole: set[int] = set()
    rows: set[tuple[int, int]] = set()
    for minute in dirty:
        if minute.worker_ids is None:
            whole.add(minute.minute_s)
        else:
            rows.update((worker_id, minute.minute_s) for worker_id in minute.worker_ids)
    return Stale(frozenset(whole), frozenset(row for row in rows if row[1] not in whole))


def ranges(starts_s: Iterable[int], width_s: int, *, longest: int) -> Iterator[tuple[int, int]]:
    """Adjacent buckets as [from, to) in epoch seconds, ascending, at most `longest` in each."""
    begin = end = None
    for start_s in sorted(starts_s):
        if begin is not None and start_s == end and start_s - begin < longest * width_s:
            end = start_s + width_s
            continue
        if begin is not None and end is not None:
            yield begin, end
        begin, end = start_s, start_s + width_s
    if begin is not None and end is not None:
        yield begin, end


def timestamp(epoch_s: int) -> datetime:
    """Epoch seconds as PostgreSQL takes them."""
    return datetime.fromtimestamp(epoch_s, UTC)
