"""The files of a ckpool share log directory: found, recognised, and held while they grow.

A file is known by its first line (it holds a nonce and a time in nanoseconds), so that neither a
rename nor a move to another disk nor a reused inode nor a compression confuses it with another.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from ingest.feeds.packed_file import HEAD_BYTES, Opened, PackedFile, is_damaged, open_file, size_of

log = structlog.get_logger(__name__)

FIRST_LINE_BYTES: Final = HEAD_BYTES
# What ckpool writes, and what is left of it after a logrotate or a gzip.
_SHARE_LOG: Final = re.compile(r".*\.sharelog([.-]\d+)*(\.(gz|zst|xz|bz2))?")
# ckpool's lines are about 600 bytes; a stretch of this length without a line end is no line.
LINE_MAX_BYTES: Final = 1 << 20
# 1,024 files may be open in a process by default.
HELD_MAX: Final = 256

Inode = tuple[int, int]
NextOf = Callable[[str], int | None]


class Handles:
    """Files that are open, the least recently used closed first.

    An open file can be read to its end after it was removed.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: OrderedDict[str, LogFile] = OrderedDict()

    def files(self) -> list[LogFile]:
        return list(self._open.values())

    def opened(self, file: LogFile) -> None:
        self._open[file.stream] = file
        self._open.move_to_end(file.stream)
        if len(self._open) > self._limit:
            next(iter(self._open.values())).close()

    def closed(self, file: LogFile) -> None:
        self._open.pop(file.stream, None)


@dataclass(slots=True)
class LogFile:
    """One share log. `offset`: start of the first line that was not handed out yet."""

    stream: str
    path: Path
    inode: Inode
    offset: int
    handles: Handles
    handle: Opened | None = None

    def opened(self) -> Opened:
        """The open file; FileNotFoundError if another one, or none, is at its path now."""
        if self.handle is None:
            handle = open_file(self.path)
            if inode_of(os.fstat(handle.fileno())) != self.inode:
                handle.close()
                raise FileNotFoundError(self.path)
            self.handle = handle
        self.handles.opened(self)
        return self.handle

    def close(self) -> None:
        self.handles.closed(self)
        if self.handle is not None:
            self.handle.close()
            self.handle = None

    def unread_bytes(self) -> int:
        return size_of(self.opened()) - self.offset

    def read_lines(self, limit: int) -> bytes:
        """Whole lines from `offset` on, about `limit` bytes; empty if there is none.

        A stretch of `LINE_MAX_BYTES` without a line end is handed out as it is, so that it does not
        block what follows it.
        """
        block = self.read_span(self.offset, self.offset + limit)
        if b"\n" not in block and len(block) == limit:
            block = block[:LINE_MAX_BYTES]
            if limit < LINE_MAX_BYTES:
                block = self.read_span(self.offset, self.offset + LINE_MAX_BYTES)
            if b"\n" not in block and len(block) == LINE_MAX_BYTES:
                return block
        return block[: block.rfind(b"\n") + 1]

    def read_span(self, start: int, end: int) -> bytes:
        """Bytes [start, end); FileNotFoundError if another log stands in the file by now."""
        handle = self.opened()
        if fingerprint(handle) != self.stream:
            raise FileNotFoundError(f"{self.path} was truncated and written anew")
        handle.seek(start)
        return handle.read(end - start)


class LogDirectory:
    """Finds files and notices growth, rotation, truncation and removal. One task owns it."""

    def __init__(self, root: Path, next_of: NextOf) -> None:
        self._root = root
        self._next_of = next_of
        self._handles = Handles(HELD_MAX)
        self._streams: dict[str, LogFile] = {}
        self._inodes: dict[Inode, LogFile] = {}
        self._seen: dict[Path, tuple[Inode, int]] = {}
        # Files and folders without permission, and damaged ones; each is logged once.
        self.unreadable: set[Path] = set()

    def scan(self, *, everything: bool = True) -> list[LogFile]:
        """Files that may have unread lines: new ones, grown ones, and removed ones still held.

        Without `everything` only files that grew lately and the newest two folders are looked at.
        """
        paths = self._all_paths() if everything else self._likely_paths()
        changed = {file.stream: file for path in paths if (file := self._look(path)) is not None}
        for file in self._handles.files():
            if file.unread_bytes() > 0:
                changed[file.stream] = file
            elif not file.path.exists():
                file.close()
        if everything:
            self._forget_removed(set(paths))
        return list(changed.values())

    def find(self, stream: str) -> LogFile | None:
        """The file of a stream, where a scan has found it."""
        return self._streams.get(stream)

    def files(self) -> Iterable[LogFile]:
        return self._streams.values()

    def close(self) -> None:
        for file in self._handles.files():
            file.close()

    def _all_paths(self) -> list[Path]:
        """By height and job, which is nearly the order of time."""
        found: list[Path] = []
        for entry in os.scandir(self._root):
            if entry.is_dir():
                found += self._paths_in(Path(entry.path))
            elif is_share_log(entry.name):
                found.append(Path(entry.path))
        return sorted(found)

    def _paths_in(self, folder: Path) -> list[Path]:
        try:
            with os.scandir(folder) as entries:
                paths = [Path(each.path) for each in entries if is_share_log(each.name)]
        except PermissionError:
            self._note_unreadable(folder, "no_permission")
            return []
        except FileNotFoundError:
            return []
        self.unreadable.discard(folder)
        return paths

    def _note_unreadable(self, path: Path, event: str) -> None:
        if path not in self.unreadable:
            self.unreadable.add(path)
            log.error(event, path=str(path))

    def _likely_paths(self) -> list[Path]:
        folders = sorted(entry.path for entry in os.scandir(self._root) if entry.is_dir())[-2:]
        newest = {path for folder in folders for path in self._paths_in(Path(folder))}
        return sorted(newest | {file.path for file in self._handles.files()})

    def _forget_removed(self, present: set[Path]) -> None:
        """ckpool begins thousands of files a day. Should one come back, its position is known."""
        for path in self._seen.keys() - present:
            del self._seen[path]
        for file in list(self._streams.values()):
            if file.handle is None and file.path not in present:
                del self._streams[file.stream]
                if self._inodes.get(file.inode) is file:
                    del self._inodes[file.inode]

    def _look(self, path: Path) -> LogFile | None:
        try:
            stat = path.stat()
            at = (inode_of(stat), stat.st_size)
            if self._seen.get(path) == at:
                return None
            # A grown file is recognised anew: it may have been truncated and written again.
            with closing(open_file(path)) as opened:
                stream = fingerprint(opened)
                damaged = stream is None and is_damaged(opened)
            file = None if stream is None else self._recognise(stream, path, inode_of(stat))
            if file is not None:
                damaged = is_damaged(file.opened())
        except PermissionError:
            self._note_unreadable(path, "no_permission")
            return None
        except OSError as error:
            log.info("file_passed_over", path=str(path), error=str(error))
            return None
        if damaged:
            # It is read up to there; and looked at again when it has grown: it may be on its way.
            self._note_unreadable(path, "damaged_file")
        else:
            self.unreadable.discard(path)
        self._seen[path] = at
        return file

    def _recognise(self, stream: str, path: Path, inode: Inode) -> LogFile | None:
        """The log at `path`; None for a mere copy."""
        self._bury_what_was_at(inode, stream)
        file = self._streams.get(stream)
        if file is None:
            file = LogFile(stream, path, inode, self._next_of(stream) or 0, self._handles)
            self._streams[stream] = file
        elif file.inode == inode:
            file.path = path  # renamed
            if isinstance(file.handle, PackedFile):
                file.close()  # what it had unpacked may have ended early
        elif file.path == path or not file.path.exists():
            file.close()  # moved, or replaced by a copy of itself
            file.path, file.inode = path, inode
        else:
            log.warning("copy_ignored", path=str(path), of=str(file.path))
            return None
        self._inodes[inode] = file
        return file

    def _bury_what_was_at(self, inode: Inode, stream: str) -> None:
        """Another log has this inode now: what was in it was truncated, or removed."""
        old = self._inodes.get(inode)
        if old is not None and old.stream != stream:
            log.info("file_replaced", path=str(old.path), offset=old.offset)
            old.close()
            self._streams.pop(old.stream, None)
            del self._inodes[inode]


def is_share_log(name: str) -> bool:
    return _SHARE_LOG.fullmatch(name) is not None


def fingerprint(handle: Opened) -> str | None:
    """Digest of the first line; None while it is not whole."""
    if isinstance(handle, PackedFile):
        head = handle.head
    else:
        handle.seek(0)
        head = handle.read(FIRST_LINE_BYTES)
    first, end, _ = head.partition(b"\n")
    if not end and len(first) < FIRST_LINE_BYTES:
        return None
    return hashlib.blake2b(first, digest_size=16).hexdigest()


def inode_of(stat: os.stat_result) -> Inode:
    return stat.st_dev, stat.st_ino
