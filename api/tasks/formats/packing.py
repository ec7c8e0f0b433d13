"""Rows into chunks: numbered, and no more in one than a message may hold."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count, repeat
from typing import Final
from uuid import UUID

from api.tasks.errors import FieldsError, TooLargeError
from api.tasks.formats.encoding import quoted

BRACKETS: Final = 2
COMMA: Final = 1


@dataclass(frozen=True)
class Limits:
    """How much a chunk may hold (rows; bytes in UTF-8), and an input (rows; bytes of all its chunks).

    Long names of columns, or Parquet, can make of a small file a thousand times as much.
    """

    chunk_rows: int
    chunk_bytes: int
    max_rows: int
    max_bytes: int = 4 * 1024 * 1024 * 1024


@dataclass(frozen=True)
class Chunk:
    """Part of an input: `rows` rows from `first_row` on as a JSON array; chunks count from 0, rows from 1."""

    number: int
    first_row: int
    rows: int
    payload: str


def pack(
    batches: Generator[Sequence[str], None, None], field: str, task: UUID, version: str | None, limits: Limits
) -> Generator[Chunk, None, None]:
    """Put rows, given as batches of what follows a row's number in its JSON object, into chunks, in their order.

    Raises:
        FieldsError: a row is too large for a chunk, or there is none; `field` is what they came in.
        TooLargeError: there are more rows, or more bytes of them, than are taken.
    """
    number, first, total = 0, 1, 0
    size, packed = BRACKETS, list[str]()
    with closing(batches):
        for texts in _numbered(batches, task, version, limits):
            for text in texts:
                length = COMMA + (len(text) if text.isascii() else len(text.encode()))
                if size + length - COMMA > limits.chunk_bytes or len(packed) == limits.chunk_rows:
                    if packed:
                        yield Chunk(number, first, len(packed), f"[{','.join(packed)}]")
                        number, first, total = number + 1, first + len(packed), total + size
                        size, packed = BRACKETS, []
                    if size + length - COMMA > limits.chunk_bytes:
                        raise FieldsError((field, too_large(first, limits.chunk_bytes)))
                    if total + size + length > limits.max_bytes:
                        raise TooLargeError(f"the rows take more than {limits.max_bytes} bytes as JSON: split them up")
                packed.append(text)
                size += length
    if not packed:
        raise FieldsError((field, "holds no rows"))
    yield Chunk(number, first, len(packed), f"[{','.join(packed)}]")


def too_large(row: int, most_bytes: int) -> str:
    """What is wrong with a row that fits no chunk."""
    return f"row {row} is too large: a row may take at most {most_bytes} bytes as JSON"


def _numbered(batches: Iterator[Sequence[str]], task: UUID, version: str | None, limits: Limits) -> Iterator[list[str]]:
    """The rows as JSON objects."""
    head = f'{{"__task":"{task}","__row":'
    tail = "" if version is None else f',"__version":{quoted(version)}'
    row = 1
    for bodies in batches:
        numbered = list(map("".join, zip(repeat(head), map(str, count(row)), repeat(tail), bodies, strict=False)))
        row += len(numbered)
        if row - 1 > limits.max_rows:
            raise TooLargeError(f"a task may have at most {limits.max_rows} rows")
        yield numbered
