"""The ckpool feed on a real log and on what can happen to one: every share once, sums exact."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.errors import FatalError, RetryableError
from ingest.feeds.ckpool import CkpoolConfig, CkpoolFeed
from ingest.feeds.ckpool_files import LogDirectory
from ingest.sink import ShareMessage
from schemas.batch import shares_of
from schemas.clock import ManualClock
from schemas.share import Share, ShareResult

DATA = Path(__file__).parents[1] / "data" / "ckpool"
CLOCK = ManualClock(1_800_000_000_000)
TRUTH = orjson.loads((DATA / "truth.json").read_bytes())


class DedupingSink:
    """Takes messages as intake does: what is not above its producer's highest sequence is dropped.

    `outages`: indices of calls that fail, after the message was taken (True) or before (False).
    """

    def __init__(self, outages: dict[int, bool] | None = None) -> None:
        self.messages: list[ShareMessage] = []
        self.repeats = 0
        self.calls = 0
        self.grown = asyncio.Event()
        self._outages = outages or {}
        self._highest: dict[tuple[str, int | None], int] = {}

    async def partitions(self) -> int:
        return 4

    async def send(self, message: ShareMessage) -> None:
        call, self.calls = self.calls, self.calls + 1
        await asyncio.sleep(0)
        if self._outages.get(call) is False:
            raise RetryableError("lost on the way there")
        identity = (message.producer_id, message.partition)
        if message.sequence > self._highest.get(identity, 0):
            self._highest[identity] = message.sequence
            self.messages.append(message)
        else:
            self.repeats += 1
        self.grown.set()
        if self._outages.get(call):
            raise RetryableError("lost on the way back")

    def shares(self) -> list[Share]:
        return [share for message in self.messages for share in shares_of(message.batch)]

    async def reach(self, count: int) -> None:
        """Wait until `count` shares have arrived."""
        async with asyncio.timeout(20):
            while len(self.shares()) < count:
                self.grown.clear()
                await self.grown.wait()


def minute_sums(shares: Iterable[Share]) -> dict[Any, tuple[int, Decimal]]:
    sums: dict[Any, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for share in shares:
        verdict = "accepted" if share.result is ShareResult.ACCEPTED else "rejected"
        key = (share.account_name, share.worker_name, share.timestamp_ms // 60_000 * 60, verdict)
        count, difficulty = sums[key]
        sums[key] = (count + 1, difficulty + Decimal(repr(share.difficulty)))
    return dict(sums)


def true_sums() -> dict[Any, tuple[int, Decimal]]:
    sums = {}
    for login, worker in TRUTH["workers"].items():
        name = login[len(worker["username"]) + 1 :] or "default"
        for minute, verdicts in worker["minutes"].items():
            for verdict, found in verdicts.items():
                key = (worker["username"], name, int(minute), verdict)
                sums[key] = (found["count"], Decimal(found["difficulty"]))
    return sums


def config(tmp_path: Path, directory: Path = DATA / "logs", **changes: Any) -> CkpoolConfig:
    settings: dict[str, Any] = {"poll_s": 0.01, "full_scan_s": 0.0, "chunks_per_plan": 8}
    return CkpoolConfig(directory, tmp_path / "position", **(settings | changes))


@asynccontextmanager
async def following(settings: CkpoolConfig, sink: DedupingSink) -> AsyncIterator[CkpoolFeed]:
    stop, feed = asyncio.Event(), CkpoolFeed(settings, sink)
    task = asyncio.create_task(feed.run(stop))
    try:
        yield feed
    finally:
        stop.set()
        await task


def line(n: int, *, at_s: int = 1_795_456_800, worker: str = "acct.rig", **fields: Any) -> bytes:
    share = {"workinfoid": 7711427872308592641, "nonce": f"{n:08x}", "diff": 2.0, "result": True}
    share |= {"errn": 0, "createdate": f"{at_s + n},{n}", "workername": worker, "username": "acct"}
    return orjson.dumps(share | fields) + b"\n"


async def test_real_log_comes_out_in_the_exact_sums_of_every_minute(tmp_path: Path) -> None:
    sink = DedupingSink()
    summary = await CkpoolFeed(config(tmp_path), sink).run(asyncio.Event())
    assert minute_sums(sink.shares()) == true_sums()
    assert (summary.read, summary.sent, summary.skipped.total()) == (1_508, 1_508, 0)


async def test_real_log_comes_out_in_the_exact_results(tmp_path: Path) -> None:
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path), sink).run(asyncio.Event())
    found: dict[Any, Any] = defaultdict(lambda: [0, Decimal(0)])
    for share in sink.shares():
        cell = found[share.account_name, share.worker_name, share.result.wire]
        cell[0] += 1
        cell[1] += Decimal(repr(share.difficulty))
    expected = {
        (worker["username"], login[len(worker["username"]) + 1 :] or "default", result): [
            sums["count"],
            Decimal(sums["difficulty"]),
        ]
        for login, worker in TRUTH["workers"].items()
        for result, sums in worker["results"].items()
    }
    assert dict(found) == expected


async def test_messages_come_in_the_order_of_minutes_on_one_partition(tmp_path: Path) -> None:
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path), sink, clock=CLOCK).run(asyncio.Event())
    minutes = [message.timestamp_ms // 60_000 for message in sink.messages]
    assert minutes == sorted(minutes)
    assert len({message.partition for message in sink.messages}) == 1
    for message in sink.messages:
        assert message.timestamp_ms == int(message.batch.timestamp_ms.max())


async def test_second_run_sends_nothing(tmp_path: Path) -> None:
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path), sink).run(asyncio.Event())
    calls = sink.calls
    summary = await CkpoolFeed(config(tmp_path), sink).run(asyncio.Event())
    assert sink.calls == calls
    assert summary.read == 0


async def test_lost_position_file_makes_repeats_that_intake_drops(tmp_path: Path) -> None:
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path / "a"), sink).run(asyncio.Event())
    await CkpoolFeed(config(tmp_path / "b"), sink).run(asyncio.Event())
    assert sink.repeats == len(sink.messages)
    assert minute_sums(sink.shares()) == true_sums()


async def test_failing_sink_costs_no_share_and_doubles_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.sink.RETRY_FIRST_S", 0.001)
    sink = DedupingSink({call: call % 2 == 0 for call in range(3, 60, 5)})
    await CkpoolFeed(config(tmp_path), sink).run(asyncio.Event())
    assert sink.repeats > 0
    assert minute_sums(sink.shares()) == true_sums()


class Killed(BaseException):
    """Stands for SIGKILL: nothing may be written after it."""


@pytest.mark.parametrize("after", [0, 1, 5, 17, 30])
@pytest.mark.parametrize("taken", [True, False])
async def test_killed_between_send_and_position_sends_the_same_cut_again(
    tmp_path: Path, after: int, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(DATA / "logs", logs)
    held_back = _cut_tails(logs)
    sink = DedupingSink()
    deliver = sink.send

    async def dying(message: ShareMessage) -> None:
        if sink.calls == after:
            if taken:
                await deliver(message)
            raise Killed
        await deliver(message)

    with monkeypatch.context() as patch:
        patch.setattr(sink, "send", dying)
        patch.setattr("ingest.feeds.position.Positions.settle", lambda *_: None)
        with pytest.raises(Killed):
            await CkpoolFeed(config(tmp_path, logs), sink).run(asyncio.Event())
    for path, tail in held_back.items():  # the files grow while the feed is down
        with path.open("ab") as handle:
            handle.write(tail)
    await CkpoolFeed(config(tmp_path, logs), sink).run(asyncio.Event())
    assert minute_sums(sink.shares()) == true_sums()


def _cut_tails(logs: Path) -> dict[Path, bytes]:
    """Take the last third off each file, wherever that is in a line."""
    tails = {}
    for path in logs.glob("*/*.sharelog"):
        data = path.read_bytes()
        keep = max(len(data) * 2 // 3, data.index(b"\n") + 1)
        tails[path] = data[keep:]
        path.write_bytes(data[:keep])
    return tails


async def test_follow_reads_what_is_appended_even_in_old_folders(tmp_path: Path) -> None:
    old, new = tmp_path / "logs/00000001/a.sharelog", tmp_path / "logs/00000002/b.sharelog"
    old.parent.mkdir(parents=True)
    old.write_bytes(line(1))
    sink = DedupingSink()
    async with following(config(tmp_path, tmp_path / "logs", follow=True), sink):
        await sink.reach(1)
        new.parent.mkdir()
        new.write_bytes(line(2))
        await sink.reach(2)
        with old.open("ab") as handle:
            handle.write(line(3))
        await sink.reach(3)
    assert len(sink.shares()) == 3


async def test_between_full_scans_new_files_and_growing_ones_are_found(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    files = [logs / f"{height:08x}" / "a.sharelog" for height in range(5)]
    for n, path in enumerate(files):
        path.parent.mkdir(parents=True)
        path.write_bytes(line(n))
    sink = DedupingSink()
    async with following(config(tmp_path, logs, follow=True, full_scan_s=3_600.0), sink):
        await sink.reach(5)
        with files[0].open("ab") as handle:  # grew lately, so it is still looked at
            handle.write(line(10))
        await sink.reach(6)
        (files[-1].with_name("b.sharelog")).write_bytes(line(11))
        newest = logs / "000000ff" / "c.sharelog"
        newest.parent.mkdir()
        newest.write_bytes(line(12))
        await sink.reach(8)


async def test_half_written_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    second = line(2)
    path.write_bytes(line(1) + second[:40])
    sink = DedupingSink()
    async with following(config(tmp_path, tmp_path / "logs", follow=True), sink) as feed:
        await sink.reach(1)
        with path.open("ab") as handle:
            handle.write(second[40:])
        await sink.reach(2)
        assert feed.summary.skipped.total() == 0


async def test_file_removed_under_it_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    path.write_bytes(line(1))
    sink = DedupingSink()
    async with following(config(tmp_path, tmp_path / "logs", follow=True), sink) as feed:
        await sink.reach(1)
        with path.open("ab") as handle:
            path.unlink()
            handle.write(line(2))
        await sink.reach(2)
        path.write_bytes(line(3))  # a new file under the same name, perhaps on the same inode
        await sink.reach(3)
        assert feed.summary.skipped.total() == 0


def test_removed_files_are_forgotten_once_read(tmp_path: Path) -> None:
    read: dict[str, int] = {}
    directory = LogDirectory(tmp_path, read.get)
    paths = [tmp_path / name for name in ("a.sharelog", "b.sharelog")]
    for n, path in enumerate(paths):
        path.write_bytes(line(n))
    first, second = directory.scan()
    first.offset = read[first.stream] = len(line(0))
    kept = [path.rename(path.with_suffix(".old")) for path in paths]
    directory.scan()
    directory.scan()
    assert list(directory.files()) == [second]  # not read yet, so still held
    kept[0].rename(paths[0])
    assert [file.offset for file in directory.scan()] == [first.offset, 0]
    directory.close()


async def test_renamed_file_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    path.write_bytes(line(1) + line(2))
    sink = DedupingSink()
    async with following(config(tmp_path, tmp_path / "logs", follow=True), sink):
        await sink.reach(2)
        moved = path.rename(path.with_name("b.sharelog"))
        with moved.open("ab") as handle:
            handle.write(line(3))
        await sink.reach(3)
    moved = moved.rename(moved.with_name("c.sharelog"))
    with moved.open("ab") as handle:
        handle.write(line(4))
    await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink).run(asyncio.Event())
    assert [share.timestamp_ms // 1_000 - 1_795_456_800 for share in sink.shares()] == [1, 2, 3, 4]
    assert sink.repeats == 0


async def test_truncated_and_rewritten_file_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    path.write_bytes(line(1) + line(2))
    sink = DedupingSink()
    async with following(config(tmp_path, tmp_path / "logs", follow=True), sink):
        await sink.reach(2)
        os.truncate(path, 0)
        with path.open("ab") as handle:
            handle.write(line(3) + line(4) + line(5))
        await sink.reach(5)
    assert len(sink.shares()) == 5


async def test_copy_of_a_file_does_not_count_twice(tmp_path: Path) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    path.write_bytes(line(1) + line(2))
    shutil.copy(path, path.with_name("copy.sharelog"))
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink).run(asyncio.Event())
    assert len(sink.shares()) == 2


async def test_more_files_than_may_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "logs/00000001"
    folder.mkdir(parents=True)
    for n in range(40):
        (folder / f"{n:016x}.sharelog").write_bytes(line(n) + line(n + 100))
    monkeypatch.setattr("ingest.feeds.ckpool_files.HELD_MAX", 4)
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink).run(asyncio.Event())
    assert len(sink.shares()) == 80


async def test_bad_lines_are_counted_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    bad = [
        b"\n",
        b"{\n",
        b"\0" * 50 + b"\n",
        b"[1]\n",
        line(2, diff="x"),
        line(3, createdate="soon"),
    ]
    path.write_bytes(line(1) + b"".join(bad) + b"y" * (3 << 20) + b"\n" + line(4))
    sink = DedupingSink()
    summary = await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink).run(asyncio.Event())
    assert len(sink.shares()) == 2
    assert summary.skipped["empty_line"] == 2  # the second ends the three megabytes
    assert summary.skipped["wrong_fields"] == 2
    assert summary.skipped["bad_createdate"] == 1
    assert summary.skipped["malformed_json"] >= 3
    assert summary.read == summary.sent + summary.skipped.total()


async def test_share_with_a_wild_clock_travels_alone_and_not_ahead_of_time(
    tmp_path: Path,
) -> None:
    path = tmp_path / "logs/00000001/a.sharelog"
    path.parent.mkdir(parents=True)
    wild = line(3, createdate="1995456800,0")
    path.write_bytes(line(1) + line(2) + wild + line(4) + line(5))
    sink = DedupingSink()
    await CkpoolFeed(config(tmp_path, tmp_path / "logs"), sink, clock=CLOCK).run(asyncio.Event())
    first_s = 1_795_456_800
    assert [(len(message.batch), message.timestamp_ms // 1_000) for message in sink.messages] == [
        (2, first_s + 2),
        (1, CLOCK.now_ms() // 1_000),
        (2, first_s + 5),
    ]


async def test_shift_to_now_moves_by_whole_minutes_and_survives_a_restart(tmp_path: Path) -> None:
    sink = DedupingSink()
    newest_ms = max(int(minute) for _, _, minute, _ in true_sums()) * 1_000
    clock = ManualClock(newest_ms + 10 * 86_400_000)
    settings = config(tmp_path, shift_to_now=True)
    stop = asyncio.Event()
    sent = sink.send

    async def stopping(message: ShareMessage) -> None:
        await sent(message)
        if sink.calls >= 20:
            stop.set()

    sink.send = stopping  # type: ignore[method-assign]
    await CkpoolFeed(settings, sink, clock=clock).run(stop)
    assert len(sink.shares()) < 1_508
    clock.advance(3_600)
    await CkpoolFeed(settings, sink, clock=clock).run(asyncio.Event())
    shift_s = 10 * 86_400
    moved = {(a, w, m + shift_s, v): sums for (a, w, m, v), sums in true_sums().items()}
    found = minute_sums(sink.shares())
    offset = {
        m1 - m2 for (_, _, m1, _), (_, _, m2, _) in zip(sorted(found), sorted(moved), strict=True)
    }
    assert len(offset) == 1
    assert abs(offset.pop()) <= 60
    assert sorted(found.values()) == sorted(moved.values())


async def test_two_shifted_runs_are_two_runs(tmp_path: Path) -> None:
    sink, clock = DedupingSink(), ManualClock(1_800_000_000_000)
    for name in ("a", "b"):
        settings = config(tmp_path / name, shift_to_now=True)
        await CkpoolFeed(settings, sink, clock=clock).run(asyncio.Event())
    assert len(sink.shares()) == 2 * 1_508


async def test_position_of_an_unshifted_run_is_not_used_for_a_shifted_one(tmp_path: Path) -> None:
    await CkpoolFeed(config(tmp_path), DedupingSink()).run(asyncio.Event())
    with pytest.raises(FatalError, match="position file"):
        await CkpoolFeed(config(tmp_path, shift_to_now=True), DedupingSink()).run(asyncio.Event())


async def test_second_feed_on_the_same_position_is_refused(tmp_path: Path) -> None:
    settings, sink = config(tmp_path, follow=True), DedupingSink()
    async with following(settings, sink):
        await sink.reach(1_508)
        with pytest.raises(FatalError, match="in use"):
            await CkpoolFeed(settings, sink).run(asyncio.Event())


async def test_missing_directory_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="no such directory"):
        await CkpoolFeed(config(tmp_path, tmp_path / "none"), DedupingSink()).run(asyncio.Event())
