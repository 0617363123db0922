"""Logs and exports as they lie about: compressed by whoever rotates them, or UTF-16."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ingest.errors import FatalError
from ingest.feeds.ckpool import CkpoolFeed
from ingest.feeds.ckpool_files import LogDirectory, is_share_log
from ingest.feeds.packed_file import PackedFile, open_file
from ingest.history.ckpool import CkpoolHistory
from ingest.history.hourly import HourlyHistory
from tests.unit.feeds.ckpool_log import DedupingSink, config, following, line

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}
CSV = b"account,worker,hour,accepted\nalice,rig1,2025-11-03T07:00:00Z,1843200\n"
AT_S = 1_795_456_800
MANY = 40_000


def text(count: int, begin: int = 0) -> bytes:
    """All of one minute: few messages."""
    return b"".join(line(n, at_s=AT_S - n) for n in range(begin, begin + count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "00000001"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("name", "is_log"),
    [
        ("7a1.sharelog", True),
        ("7a1.sharelog.gz", True),
        ("7a1.sharelog.1", True),
        ("7a1.sharelog.12.zst", True),
        ("7a1.sharelog-20261129.xz", True),
        ("7a1.sharelog.swp", False),
        ("7a1.sharelog.gz.part", False),
        ("sharelog", False),
    ],
)
def test_what_a_rotation_leaves_of_a_share_log_is_one(name: str, is_log: bool) -> None:
    assert is_share_log(name) is is_log


@pytest.mark.parametrize("kind", PACKERS)
async def test_compressed_log_is_sent_once(tmp_path: Path, folder: Path, kind: str) -> None:
    folder.joinpath(f"a.sharelog.1.{kind}").write_bytes(PACKERS[kind](text(5_000)))
    sink = DedupingSink()
    for _ in range(2):
        await CkpoolFeed(config(tmp_path, folder.parent), sink).run(asyncio.Event())
    assert len(sink.shares()) == 5_000
    assert sink.repeats == 0


async def test_log_that_is_compressed_after_it_was_read_is_the_same(
    tmp_path: Path, folder: Path
) -> None:
    plain, packed = folder / "a.sharelog", folder / "a.sharelog.gz"
    plain.write_bytes(text(3))
    sink = DedupingSink()
    async with following(config(tmp_path, folder.parent, follow=True), sink):
        await sink.reach(3)
        packed.write_bytes(gzip.compress(text(5)))
        plain.unlink()
        await sink.reach(5)
    summary = await CkpoolFeed(config(tmp_path, folder.parent), sink).run(asyncio.Event())
    assert (summary.read, len(sink.shares()), sink.repeats) == (0, 5, 0)


@pytest.mark.parametrize("kind", PACKERS)
async def test_torn_file_counts_up_to_there_until_it_is_whole(
    tmp_path: Path, folder: Path, kind: str
) -> None:
    """As it is while somebody copies it to its place."""
    whole = PACKERS[kind](text(MANY))
    path = folder / f"a.sharelog.{kind}"
    path.write_bytes(whole[: len(whole) * 3 // 4])
    sink = DedupingSink()
    summary = await CkpoolFeed(config(tmp_path, folder.parent), sink).run(asyncio.Event())
    assert summary.unreadable == 1
    assert not summary.is_complete
    assert len(sink.shares()) < MANY
    path.write_bytes(whole)
    summary = await CkpoolFeed(config(tmp_path, folder.parent), sink).run(asyncio.Event())
    assert summary.unreadable == 0
    assert len(sink.shares()) == MANY


async def test_torn_file_that_grows_while_it_is_followed_is_read_on(
    tmp_path: Path, folder: Path
) -> None:
    whole = gzip.compress(text(MANY))
    path = folder / "a.sharelog.gz"
    path.write_bytes(whole[: len(whole) // 2])
    sink = DedupingSink()
    async with following(config(tmp_path, folder.parent, follow=True), sink) as feed:
        await sink.reach(1)
        with path.open("ab") as file:
            file.write(whole[len(whole) // 2 :])
        await sink.reach(MANY)
        while feed.summary.unreadable:
            await asyncio.sleep(0.01)


def test_bytes_that_unpack_to_nothing_are_a_damage(folder: Path) -> None:
    whole = bytearray(gzip.compress(text(MANY)))
    whole[len(whole) // 2] ^= 0xFF
    folder.joinpath("a.sharelog.gz").write_bytes(whole)
    folder.joinpath("b.sharelog.gz").write_bytes(gzip.compress(text(1, MANY)) + b"\0" * 512)
    folder.joinpath("c.sharelog.gz").write_bytes(gzip.compress(text(1))[:12])
    directory = LogDirectory(folder.parent, lambda _: None)
    assert len(directory.scan()) == 2
    assert directory.unreadable == {folder / "a.sharelog.gz", folder / "c.sharelog.gz"}
    directory.close()


async def test_history_reads_compressed_logs_with_what_is_in_them_as_the_total(
    folder: Path,
) -> None:
    folder.joinpath("a.sharelog.gz").write_bytes(
        gzip.compress(text(MANY)) + gzip.compress(text(7, MANY))
    )
    folder.joinpath("b.sharelog").write_bytes(text(1, 2 * MANY))
    async with CkpoolHistory(folder.parent) as history:
        assert history.total == len(text(MANY + 7)) + len(text(1, 2 * MANY))
        assert sum([chunk.records async for chunk in history.chunks({})]) == MANY + 8


@pytest.mark.parametrize(
    "content",
    # gzip writes the time of packing: named by its bytes a test would have a new name each second.
    [
        pytest.param(gzip.compress(CSV), id="gzip"),
        pytest.param(CSV.decode().encode("utf-16"), id="utf-16"),
    ],
)
async def test_export_is_known_by_what_is_in_it(tmp_path: Path, content: bytes) -> None:
    plain, packed = tmp_path / "plain.csv", tmp_path / "packed.csv"
    plain.write_bytes(CSV)
    packed.write_bytes(content)
    known = []
    for path in (plain, packed):
        [chunk] = [chunk async for chunk in HourlyHistory([path]).chunks({})]
        known.append((chunk.stream, chunk.end, chunk.last_crc, chunk.records))
    assert known[0] == known[1]


def test_damaged_export_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "torn.csv.gz"
    path.write_bytes(gzip.compress(CSV)[:-4])
    with pytest.raises(FatalError, match=r"torn\.csv\.gz is damaged"):
        HourlyHistory([path])


def test_reads_go_anywhere(tmp_path: Path) -> None:
    content = text(MANY)
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(content))
    file = open_file(path)
    assert isinstance(file, PackedFile)
    assert file.read(10) == content[:10]
    for place in (5_000_000, 100, 4_999_999, len(content) - 5, len(content) + 9, 0):
        file.seek(place)
        assert file.read(1_000) == content[place : place + 1_000]
    assert file.size == len(content)
    file.close()
