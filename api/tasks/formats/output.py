"""Rows in each format that is given, written while they are read."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from api.tasks.formats.csv_cells import CELLS, lines, plain, quoted
from api.tasks.formats.encoding import encoder
from api.tasks.formats.format import Format
from api.tasks.formats.parquet_output import parquet

Kind = Literal["int", "float", "text", "bool", "any"]
Batch = Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class OutputColumn:
    """A column's name and what its values are, besides null; `any` is any JSON value, decoded or as `msgspec.Raw`."""

    name: str
    kind: Kind


async def write(
    rows: AsyncIterator[Batch], columns: Sequence[OutputColumn], form: Format
) -> AsyncGenerator[bytes, None]:
    """Write rows, which come in batches, each with its values in the columns' order.

    A float that is not finite is null. CSV: RFC 4180 with CRLF; null is an empty cell, empty text a pair of quotes.
    """
    match form:
        case Format.JSON_ROWS:
            pieces = _json(rows, columns)
        case Format.NDJSON:
            pieces = _ndjson(rows, columns)
        case Format.CSV:
            pieces = _csv(rows, columns)
        case Format.PARQUET:
            kinds = {column.name: column.kind for column in columns}
            pieces = parquet(_ndjson(_texts(rows, columns), columns), kinds)
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece


async def _ndjson(rows: AsyncIterator[Batch], columns: Sequence[OutputColumn]) -> AsyncGenerator[bytes, None]:
    names = [column.name for column in columns]
    async for batch in rows:
        yield encoder.encode_lines([dict(zip(names, row, strict=True)) for row in batch])


async def _json(rows: AsyncIterator[Batch], columns: Sequence[OutputColumn]) -> AsyncGenerator[bytes, None]:
    names = [column.name for column in columns]
    opening = b"["
    async for batch in rows:
        if batch:
            yield opening + encoder.encode([dict(zip(names, row, strict=True)) for row in batch])[1:-1]
            opening = b",\n"
    yield b"[]" if opening == b"[" else b"]"


async def _csv(rows: AsyncIterator[Batch], columns: Sequence[OutputColumn]) -> AsyncGenerator[bytes, None]:
    yield lines([[quoted(column.name) for column in columns]])
    cells = [CELLS[column.kind] for column in columns]
    # an empty line would be no row to most readers
    null = '""' if len(columns) == 1 else ""
    async for batch in rows:
        if batch:
            values = [
                [null if value is None else cell(value) or null for value in column]
                for cell, column in zip(cells, zip(*batch, strict=True), strict=True)
            ]
            yield lines(zip(*values, strict=True))


async def _texts(rows: AsyncIterator[Batch], columns: Sequence[OutputColumn]) -> AsyncGenerator[Batch, None]:
    """The rows with text for values of any kind: a column of Parquet has one type."""
    loose = [column.kind == "any" for column in columns]
    async for batch in rows:
        if any(loose):
            yield [tuple(plain(v) if any_ else v for v, any_ in zip(row, loose, strict=True)) for row in batch]
        else:
            yield batch
