"""Rows into chunks: numbered, and no more in one than a message may hold."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from uuid import UUID

from api.tasks.errors import FieldsError, TooLargeError
from api.tasks.formats.encoding import quoted

BRACKETS = 2


@dataclass(frozen=True)
class Limits:
    """How much a chunk may hold (rows; bytes in UTF-8), and an input (rows)."""

    chunk_rows: int
    chunk_bytes: int
    max_rows: int


@dataclass(frozen=True)
class Chunk:
    """Part of an input: `rows` rows from `first_row` on as a JSON array; chunks count from 0, rows from 1."""

    number: int
    first_row: int
    rows: int
    payload: str


def pack(
    bodies: Iterable[Sequence[str]], field: str, task: UUID, version: str | None, limits: Limits
) -> Iterator[Chunk]:
    """Put rows, given as batches of what follows a row's number in its JSON object, into chunks, in their order.

    Raises:
        FieldsError: a row is too large for a chunk, or there is none; `field` is what they came in.
        TooLargeError: there are more rows than are taken.
    """
    head = f'{{"__task":"{task}","__row":'
    tail = "" if version is None else f',"__version":{quoted(version)}'
    number, row, size, packed = 0, 0, BRACKETS, list[str]()
    for batch in bodies:
        texts = map("".join, zip(repeat(head), map(str, count(row + 1)), repeat(tail), batch))
        for text in texts:
            row += 1
            length = 1 + (len(text) if text.isascii() else len(text.encode()))
            if len(packed) == limits.chunk_rows or size + length > limits.chunk_bytes + 1:
                if packed:
                    yield Chunk(number, row - len(packed), len(packed), f"[{','.join(packed)}]")
                    number, size, packed = number + 1, BRACKETS, []
                if size + length > limits.chunk_bytes + 1:
                    raise FieldsError((field, too_large(row, limits)))
            if row > limits.max_rows:
                raise TooLargeError(f"a task may have at most {limits.max_rows} rows")
            packed.append(text)
            size += length
    if not row:
        raise FieldsError((field, "holds no rows"))
    yield Chunk(number, row + 1 - len(packed), len(packed), f"[{','.join(packed)}]")


def too_large(row: int, limits: Limits) -> str:
    """What is wrong with a row that fits no chunk."""
    return f"row {row} is too large: a row may take at most {limits.chunk_bytes} bytes as JSON"
