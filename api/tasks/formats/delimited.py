"""CSV by RFC 4180, and what people have: semicolons or tabs, a byte order mark, either line end, blank lines."""

import csv
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Generator, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import BinaryIO, Final

from api.tasks.errors import FieldsError
from api.tasks.formats.cells import Cells
from api.tasks.formats.columns import Column, check_features, check_names

DELIMITERS: Final = ",;\t"
BATCH_ROWS: Final = 1_000
BATCH_BYTES: Final = 128 * 1024
REMEMBERED_CELLS: Final = 32_768
MIN_REMEMBERED: Final = 64


def rows(
    path: Path, features: Sequence[Column], columns: list[str], row_bytes: int
) -> Generator[Sequence[str], None, None]:
    """Rows of a CSV file as what follows a row's number in its JSON object; `columns` becomes its header.

    Raises:
        FieldsError: it is not CSV in UTF-8, a line or its header is at fault, or a row has more than `row_bytes` bytes.
    """
    with path.open("rb") as file:
        lines = _Lines(file, row_bytes)
        texts = iter(lines)
        first = next(texts, "")
        reader = csv.reader(chain([first], texts), delimiter=_delimiter(first), strict=True)
        try:
            columns += _header(reader, lines)
            check_names(columns)
            check_features(columns, features)
            yield from _bodies(reader, lines, columns, {feature.name: feature.datatype for feature in features})
        except csv.Error as error:
            raise FieldsError(("file", f"line {lines.number} is not CSV: {error}")) from error


def _bodies(
    reader: Iterator[list[str]], lines: "_Lines", columns: Sequence[str], datatypes: dict[str, str]
) -> Generator[Sequence[str], None, None]:
    remembered = max(MIN_REMEMBERED, REMEMBERED_CELLS // len(columns))
    cells = [Cells(name, datatypes.get(name), remembered) for name in columns]
    for batch in _batches(reader, lines, len(columns)):
        members = [column.members(values) for column, values in zip(cells, zip(*batch, strict=True), strict=True)]
        yield list(map("".join, zip(*members, repeat("}"), strict=False)))


def _batches(reader: Iterator[list[str]], lines: "_Lines", width: int) -> Iterator[list[list[str]]]:
    batch: list[list[str]] = []
    full = lines.taken + BATCH_BYTES
    for row in reader:
        lines.row_began = lines.taken
        if len(row) != width:
            if not row:
                continue
            problem = f"line {lines.number} has {len(row)} cells, where the header has {width}"
            raise FieldsError(("file", problem))
        batch.append(row)
        if lines.taken > full or len(batch) == BATCH_ROWS:
            yield batch
            batch, full = [], lines.taken + BATCH_BYTES
    if batch:
        yield batch


def _header(reader: Iterator[list[str]], lines: "_Lines") -> list[str]:
    for row in reader:
        lines.row_began = lines.taken
        if row:
            return [name.strip() for name in row]
    raise FieldsError(("file", "is empty: the first line of a CSV file names its columns"))


def _delimiter(header: str) -> str:
    """Whichever delimiter the header has most of outside quotes."""
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


class _Lines:
    """The lines of a file as text, each with its end; counts them and their bytes."""

    def __init__(self, file: BinaryIO, row_bytes: int) -> None:
        self._file = file
        self._row_bytes = row_bytes
        self.number = 0
        self.taken = 0
        self.row_began = 0
        """What was taken before the row that is being read: who reads rows sets it."""

    def __iter__(self) -> Iterator[str]:
        file, most = self._file, self._row_bytes
        while line := file.readline(most + 1):
            self.number += 1
            self.taken += len(line)
            if self.taken - self.row_began > most:
                problem = f"the row that ends in or after line {self.number} has more than {most} bytes"
                raise FieldsError(("file", problem + "; is a quote left open?"))
            if self.number == 1:
                line = _without_mark(line)
            if b"\0" in line:
                raise FieldsError(("file", f"line {self.number} holds a NUL character: this is no CSV file in UTF-8"))
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise FieldsError(("file", f"line {self.number} is not in UTF-8: save the file in UTF-8")) from error
            yield text


def _without_mark(line: bytes) -> bytes:
    """A first line without the byte order mark of UTF-8."""
    if line.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise FieldsError(("file", "is in UTF-16: save it in UTF-8"))
    return line.removeprefix(BOM_UTF8)
