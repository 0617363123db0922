"""A CSV file in blocks of whole lines, each as columns of text."""

from __future__ import annotations

import csv
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import csv as arrow_csv

from ingest.errors import FatalError
from ingest.feeds.packed_file import Opened, is_damaged, open_file, size_of
from ingest.history.chunk import Start

# Some 50,000 lines: parsed in a tenth of a second, 30 MB in columns.
_BLOCK_BYTES: Final = 8 << 20
_HEAD_BYTES: Final = 1 << 20
_TAIL_BYTES: Final = 256
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class CsvBlock:
    """Lines [start, end) of the file. `malformed` are those with another number of fields."""

    start: int
    end: int
    last_crc: int
    rows: int
    malformed: int
    columns: Mapping[str, pa.Array]

    @property
    def records(self) -> int:
        return self.rows + self.malformed


class CsvFile:
    """With a header; comma, semicolon or tab between fields; a record is one line.

    It is known by its header and first record, so that the same export under another name is not
    imported twice; one that has grown is read on. `by_content`: by all of it, for records that are
    known one by one.
    """

    def __init__(self, path: Path, kind: str, *, by_content: bool = False) -> None:
        self._path = path
        with closing(open_file(path)) as file:
            head = file.read(_HEAD_BYTES)
            if is_damaged(file):
                raise FatalError(f"{path} is damaged: it cannot be unpacked to its end")
            self.size = size_of(file)
        header, end, rest = head.partition(b"\n")
        first = rest.partition(b"\n")[0]
        if not end and len(head) == _HEAD_BYTES:
            raise FatalError(f"{path} is no CSV file: its first line does not end")
        text = header.removeprefix(_BOM).decode(errors="replace").strip()
        self._delimiter = max(",;\t", key=text.count)
        try:
            names = next(csv.reader([text], delimiter=self._delimiter), [])
        except csv.Error as error:
            raise FatalError(f"{path} is no CSV file with lines as others have: {error}") from error
        self.names = [name.strip().lower() for name in names]
        if len(set(self.names)) != len(self.names):
            raise FatalError(f"{path} names a column twice in its header")
        if by_content:
            digest = _digest(path)
        else:
            known = header.strip() + b"\n" + first.strip()
            digest = hashlib.blake2b(known, digest_size=16).hexdigest()
        self.stream = f"{kind}/{digest}"
        self._body = len(header) + len(end)

    def blocks(self, start: Start | None, *, wanted: tuple[str, ...]) -> Iterator[CsvBlock]:
        """From `start` on; the columns in `wanted` that the file has."""
        with closing(open_file(self._path)) as file:
            place, seam = self._body, -1
            if start is not None:
                place, seam = start.place, start.seam
                self._check(file, max(place, seam), start.last_crc)
            named = [name for name in wanted if name in self.names]
            while block := self._read(file, place, seam):
                place += len(block)
                yield self._parsed(block, place, _crc_before(file, place), named)

    def _read(self, file: Opened, place: int, seam: int) -> bytes:
        """Whole lines; the last one of the file needs no line end."""
        limit = seam - place if place < seam < place + _BLOCK_BYTES else _BLOCK_BYTES
        file.seek(place)
        block = file.read(limit)
        if len(block) < limit or limit < _BLOCK_BYTES:
            return block
        return block[: block.rfind(b"\n") + 1] or block

    def _check(self, file: Opened, place: int, last_crc: int) -> None:
        if place > self.size or _crc_before(file, place) != last_crc:
            raise FatalError(
                f"{self._path} begins like a file that was imported, and goes on differently: it "
                "cannot be told which of its lines are counted"
            )

    def _parsed(self, block: bytes, end: int, last_crc: int, wanted: list[str]) -> CsvBlock:
        start = end - len(block)
        text = block.decode(errors="replace").replace("\0", "")
        text, malformed = self._without_open_quotes(text) if '"' in text else (text, 0)
        if not text.strip():
            none = {name: pa.array([], pa.string()) for name in wanted}
            return CsvBlock(start, end, last_crc, 0, malformed, none)

        def pass_over(_row: object) -> str:
            nonlocal malformed
            malformed += 1
            return "skip"

        content = text.encode()
        table = arrow_csv.read_csv(
            io.BytesIO(content),
            read_options=arrow_csv.ReadOptions(
                column_names=self.names, block_size=len(content) + 1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._delimiter, invalid_row_handler=pass_over
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(self.names, pa.string()),
                include_columns=wanted,
                strings_can_be_null=False,
            ),
        )
        columns = {name: table.column(name).combine_chunks() for name in wanted}
        return CsvBlock(start, end, last_crc, table.num_rows, malformed, columns)

    def _without_open_quotes(self, text: str) -> tuple[str, int]:
        """Less the lines with a quote that is never closed, and how many: Arrow would take all that
        follows for one field. A quoted line break is none, if it leads to a whole record."""
        lines = text.split("\n")
        kept: list[str] = []
        place = 0
        while place < len(lines):
            record = lines[place : place + 1]
            if record[0].count('"') % 2 and not self._closes(record):
                record = lines[place : place + 2]
                if not self._closes(record):
                    place += 1
                    continue
            kept += record
            place += len(record)
        return "\n".join(kept), len(lines) - len(kept)

    def _closes(self, record: list[str]) -> bool:
        """Whether these lines are one record, of as many fields as the header names."""
        try:
            [fields] = csv.reader(["\n".join(record)], delimiter=self._delimiter, strict=True)
        except (csv.Error, ValueError):
            return False
        return len(record) == 1 or len(fields) == len(self.names)


def _digest(path: Path) -> str:
    """Of all that is in the file, however it is packed."""
    digest = hashlib.blake2b()
    with closing(open_file(path)) as file:
        while block := file.read(_HEAD_BYTES):
            digest.update(block)
    return digest.hexdigest()[:32]


def _crc_before(file: Opened, place: int) -> int:
    """Of the bytes before `place`: enough to tell two exports apart that begin alike."""
    start = max(0, place - _TAIL_BYTES)
    file.seek(start)
    return zlib.crc32(file.read(place - start))
