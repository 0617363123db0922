"""Where a feed stands in what it reads: a write-ahead list of the messages it is about to send.

A message's identity is `(stream, end)`: `end` is its sequence, and intake drops what it has seen.
That only works if a retry holds exactly the same shares, so the cut is written down first:

    plan    [0, 500) [500, 800)        durable before anything is sent
    send    ... killed here ...
    restart planned() → the same cuts, sent again, dropped where they had arrived
    acknowledge  next = 800                 and only now a new cut may be made
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.errors import FatalError

# Longer than any share may be late.
_KEPT_S: Final = 30 * 86_400
_NOW_S: Final = "cast(strftime('%s', 'now') as integer)"
_SCHEMA: Final = """
create table if not exists meta (key text primary key, value text not null) without rowid;
create table if not exists streams (
    stream text primary key, next integer not null, partition integer not null,
    used_s integer not null default 0
) without rowid;
create table if not exists planned (
    place integer primary key, stream text not null, start integer not null, end integer not null
);
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A part [start, end) of a stream that becomes one message."""

    stream: str
    start: int
    end: int


class Positions:
    """An SQLite file, owned by one process: a second one that opens it is refused (FatalError)."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path, timeout=0.5, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError) as error:
            raise FatalError(f"cannot open the position file {path}: {error}") from error
        try:
            # EXCLUSIVE keeps the lock until close; FULL survives a power cut, not only a SIGKILL.
            self._db.execute("pragma locking_mode = exclusive")
            self._db.execute("pragma journal_mode = wal")
            self._db.execute("pragma synchronous = full")
            self._db.executescript(f"begin exclusive; {_SCHEMA} commit;")
        except sqlite3.Error as error:
            self._db.close()
            raise FatalError(
                f"the position file {path} is in use by another feed or damaged: {error}"
            ) from error

    def __enter__(self) -> Positions:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._db.close()

    def recall(self, key: str, value: str) -> str:
        """What was remembered under `key` first; `value` where nothing was, and from then on."""
        self._db.execute("insert or ignore into meta values (?, ?)", (key, value))
        return str(self._db.execute("select value from meta where key = ?", (key,)).fetchone()[0])

    def next(self, stream: str) -> int | None:
        """First place of the stream that is not acknowledged; None if nothing of it was."""
        row = self._db.execute(
            "select next from streams where stream = ? and next >= 0", (stream,)
        ).fetchone()
        return None if row is None else int(row[0])

    def partition(self, stream: str, default: int) -> int:
        """The partition of the stream: `default` at first, the same for ever, so retries match."""
        self._db.execute(
            f"insert or ignore into streams values (?, -1, ?, {_NOW_S})",  # noqa: S608
            (stream, default),
        )
        row = self._db.execute("select partition from streams where stream = ?", (stream,))
        return int(row.fetchone()[0])

    def forget(self, present: Collection[str]) -> int:
        """Forget streams of which nothing was acknowledged for a month and that are not `present`:
        a pool that begins thousands of files a day needs no row for each of them for good. Returns
        how many. Should one come back, its shares are too late to count."""
        self._db.execute("create temp table if not exists present (stream text primary key)")
        self._db.execute("begin immediate")
        self._db.execute("delete from present")
        self._db.executemany("insert into present values (?)", [(each,) for each in present])
        cursor = self._db.execute(
            f"delete from streams where used_s < {_NOW_S} - ? "  # noqa: S608 - a constant
            "and stream not in (select stream from present) "
            "and stream not in (select stream from planned)",
            (_KEPT_S,),
        )
        self._db.execute("commit")
        return cursor.rowcount

    def planned(self) -> list[Span]:
        """What was planned and not acknowledged, in the order of the plan."""
        rows = self._db.execute("select stream, start, end from planned order by place")
        return [Span(*row) for row in rows]

    def plan(self, spans: Iterable[Span]) -> None:
        """Write the cuts down, durably, before the first of them is sent."""
        self._db.execute("begin immediate")
        self._db.executemany(
            "insert into planned (stream, start, end) values (?, ?, ?)",
            [(span.stream, span.start, span.end) for span in spans],
        )
        self._db.execute("commit")

    def acknowledge(self, spans: Iterable[Span]) -> None:
        """These are safe in the sink (or hold nothing): go on after them."""
        rows = [(span.stream, span.end) for span in spans]
        self._db.execute("begin immediate")
        self._db.executemany("delete from planned where stream = ?1 and end = ?2", rows)
        self._db.executemany(
            f"insert into streams values (?1, ?2, 0, {_NOW_S}) on conflict (stream) do update "  # noqa: S608
            "set next = max(next, excluded.next), used_s = excluded.used_s",
            rows,
        )
        self._db.execute("commit")


def recall_since(positions: Positions, since_ms: int) -> int:
    """From when on shares are sent, as this position file began; 0: as it began, or all."""
    began_ms = int(positions.recall("since_ms", str(since_ms)))
    if since_ms not in (0, began_ms):
        raise FatalError(
            "this position file began with another --since: give another position file, or leave "
            "--since out"
        )
    return began_ms
