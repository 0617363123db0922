"""However files grow and whenever the feed dies, what intake counts are the lines, once each."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.feeds.ckpool import CkpoolConfig, CkpoolFeed
from ingest.feeds.position import Positions
from ingest.kafka.producer import ShareMessage
from schemas.batch import shares_of
from tests.property.effort import examples


class Killed(BaseException):
    """Stands for SIGKILL."""


class Intake:
    """Counts as intake does; dies at the `die_at`-th call, before or after it took the message."""

    def __init__(self) -> None:
        self.counted: Counter[float] = Counter()
        self.die_at = -1
        self.after = False
        self._calls = 0
        self._highest: dict[tuple[str, int | None], int] = {}

    async def partitions(self) -> int:
        return 2

    async def send(self, message: ShareMessage) -> None:
        self._calls += 1
        dying = self._calls == self.die_at
        if dying and not self.after:
            raise Killed
        identity = (message.producer_id, message.partition)
        if message.sequence > self._highest.get(identity, 0):
            self._highest[identity] = message.sequence
            self.counted.update(share.difficulty for share in shares_of(message.batch))
        if dying:
            raise Killed

    def lives(self, calls: int, *, after: bool) -> None:
        self.die_at, self.after = self._calls + calls, after


def line(n: int, at_s: int) -> bytes:
    """A share whose difficulty is its own number, so that each can be told from the others."""
    share = {"workername": "acct.rig", "diff": n, "result": True, "createdate": f"{at_s},{n}"}
    return orjson.dumps(share) + b"\n"


appends = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 300), st.integers(0, 120)), min_size=1, max_size=8
)
"""(file, time of the share, bytes held back from the end of the file)"""
lives = st.lists(st.tuples(appends, st.integers(1, 6), st.booleans()), min_size=1, max_size=5)
"""What is appended before each start, and the call at which that run dies, before or after it."""


@examples(30)
@given(lives)
def test_every_line_counts_once(lives: list[tuple[list[tuple[int, int, int]], int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        files = [b""] * 4
        (root / "logs" / "00000001").mkdir(parents=True)
        intake, number = Intake(), 0
        for grown, calls, after in lives:
            for index, at_s, held_back in grown:
                number += 1
                files[index] += line(number, 1_795_456_800 + at_s)
                _write(root, index, files[index], held_back)
            intake.lives(calls, after=after)
            _run(root, intake)
        for index, content in enumerate(files):
            _write(root, index, content, 0)
        intake.lives(10**9, after=True)
        _run(root, intake)
        assert intake.counted == Counter(range(1, number + 1))


def _write(root: Path, index: int, content: bytes, held_back: int) -> None:
    """Append what is missing but for the last bytes; a file never shrinks."""
    path = root / "logs" / "00000001" / f"{index}.sharelog"
    written = path.stat().st_size if path.exists() else 0
    with path.open("ab") as handle:
        handle.write(content[written : max(written, len(content) - held_back)])


def _run(root: Path, intake: Intake) -> None:
    feed = CkpoolFeed(CkpoolConfig(root / "logs", root / "position", chunks_per_plan=2), intake)
    with pytest.MonkeyPatch.context() as patch:
        try:
            asyncio.run(feed.run(_unsettling(patch, intake)))
        except Killed:
            return


def _unsettling(patch: pytest.MonkeyPatch, intake: Intake) -> asyncio.Event:
    """A killed process writes nothing: `acknowledge` does nothing once the sink has died."""
    acknowledge = Positions.acknowledge

    def living(self: Positions, spans: object) -> None:
        if intake._calls < intake.die_at:
            acknowledge(self, spans)  # type: ignore[arg-type]

    patch.setattr(Positions, "acknowledge", living)
    return asyncio.Event()
