"""The ckpool feed on a real log and on what can happen to one: every share once, sums exact."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from ingest.errors import FatalError
from ingest.feeds.ckpool import CkpoolFeed
from ingest.kafka.producer import ShareMessage
from schemas.runtime.clock import ManualClock
from schemas.share import Share, ShareResult
from tests.unit.feeds.ckpool_log import DATA, DedupingSink, config, following, line

CLOCK = ManualClock(1_800_000_000_000)
TRUTH = orjson.loads((DATA / "truth.json").read_bytes())


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
    monkeypatch.setattr("ingest.kafka.producer.RETRY_FIRST_S", 0.001)
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
        patch.setattr("ingest.feeds.position.Positions.acknowledge", lambda *_: None)
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
