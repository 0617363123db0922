"""What can happen to the files that ckpool writes while the feed follows them."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from ingest.feeds.ckpool import CkpoolFeed
from ingest.feeds.ckpool_files import LogDirectory
from tests.unit.feeds.ckpool_log import DedupingSink, config, following, line


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
