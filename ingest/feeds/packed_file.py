"""Files as they lie about: compressed, or UTF-16; read as the bytes of UTF-8 text that is in them.

    7a1.sharelog.gz, 7a1.sharelog.1.zst, shares.csv.xz, shares.csv as PowerShell writes it

What a file is says its beginning, not its name.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import zstandard

# Share logs shrink to a tenth. Of the step in which a damage lies nothing comes out.
_STEP_BYTES: Final = 16 * 1024
_DAMAGED: Final = (zlib.error, OSError, EOFError, lzma.LZMAError, zstandard.ZstdError)


def _inflated(new: Callable[[], Any], file: BinaryIO) -> Iterator[bytes]:
    """All members of the file, or frames. Raises one of `_DAMAGED`, also if the last is torn."""
    member, data, begun = new(), b"", False
    while data := data or file.read(_STEP_BYTES):
        if not begun and not (data := data.lstrip(b"\0")):
            continue  # tapes and some tools pad with zeros
        begun = True
        yield member.decompress(data)
        data = b""
        if member.eof:
            member, data, begun = new(), member.unused_data, False
    if begun:
        raise EOFError


def _recoded(file: BinaryIO) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    while data := file.read(_STEP_BYTES):
        yield decoder.decode(data).encode()
    yield decoder.decode(b"", final=True).encode()


_UNPACK: Final[dict[bytes, Callable[[BinaryIO], Iterator[bytes]]]] = {
    b"\x1f\x8b": partial(_inflated, partial(zlib.decompressobj, 31)),
    b"\x28\xb5\x2f\xfd": partial(_inflated, lambda: zstandard.ZstdDecompressor().decompressobj()),
    b"\xfd7zXZ\x00": partial(_inflated, lzma.LZMADecompressor),
    b"BZh": partial(_inflated, bz2.BZ2Decompressor),
    codecs.BOM_UTF16_LE: _recoded,
    codecs.BOM_UTF16_BE: _recoded,
}
_MARK_BYTES: Final = max(map(len, _UNPACK))
HEAD_BYTES: Final = 4_096


class PackedFile:
    """Open for reading. Reads that go forward cost nothing more; before the last one, all anew.

    What comes after a damage is not there: the file ends before it.
    """

    def __init__(self, file: BinaryIO, unpack: Callable[[BinaryIO], Iterator[bytes]]) -> None:
        self._file = file
        self._unpack = unpack
        self._size: int | None = None
        self._damaged = False
        self._place = 0
        self._rewind()
        self.head = self.read(HEAD_BYTES)
        self._place = 0

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, place: int) -> None:
        self._place = place

    def read(self, count: int) -> bytes:
        if self._place < self._start:
            self._rewind()
        end = self._place + count
        while self._start + len(self._kept) < end:
            passed = max(0, min(self._place - self._start, len(self._kept)))
            del self._kept[:passed]
            self._start += passed
            piece = self._next()
            if piece is None:
                break
            self._kept += piece
        at = self._place - self._start
        found = bytes(self._kept[at : at + count])
        self._place += len(found)
        return found

    @property
    def size(self) -> int:
        """Bytes that are in it; all is unpacked for this, once."""
        if self._size is None:
            self._size = self._measure()
        return self._size

    @property
    def is_damaged(self) -> bool:
        """Whether it ends early, as of the last measuring or reading to its end."""
        return self._damaged

    def close(self) -> None:
        self._file.close()

    def _rewind(self) -> None:
        self._file.seek(0)
        self._pieces = self._unpack(self._file)
        self._kept = bytearray()
        self._start = 0

    def _next(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except _DAMAGED:
            self._damaged = True
            return None

    def _measure(self) -> int:
        self._rewind()
        size = 0
        while (piece := self._next()) is not None:
            size += len(piece)
        self._rewind()
        return size


Opened = BinaryIO | PackedFile


def open_file(path: Path) -> Opened:
    """The file itself, or what is packed in it."""
    file = path.open("rb")
    mark = file.read(_MARK_BYTES)
    file.seek(0)
    for begins, unpack in _UNPACK.items():
        if mark.startswith(begins):
            return PackedFile(file, unpack)
    return file


def size_of(file: Opened) -> int:
    return file.size if isinstance(file, PackedFile) else os.fstat(file.fileno()).st_size


def is_damaged(file: Opened) -> bool:
    """Whether what is packed in it ends early: torn, or with bytes that unpack to nothing."""
    return isinstance(file, PackedFile) and file.size >= 0 and file.is_damaged
