"""Rows that are JSON objects: one a line, or the members of an array."""

from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from api.tasks.errors import FieldsError
from api.tasks.formats.array import elements
from api.tasks.formats.columns import MAX_COLUMNS, Column, check_names
from api.tasks.formats.encoding import decoder, encoder

BATCH_ROWS: Final = 500
BATCH_BYTES: Final = 128 * 1024
MAX_DEPTH: Final = 32

members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def lines(
    path: Path, features: Sequence[Column], columns: list[str], row_bytes: int
) -> Generator[Sequence[str], None, None]:
    """Rows of an NDJSON file as what follows a row's number in its JSON object.

    `columns` becomes the features, and behind them whatever else the rows have, in order of first sight.

    Raises:
        FieldsError: a line is no JSON object in UTF-8, has more than `row_bytes` bytes, or a name no column may have.
    """
    return _batches(_lines(path, row_bytes), "file", features, columns)


def array(
    path: Path, features: Sequence[Column], columns: list[str], row_bytes: int
) -> Generator[Sequence[str], None, None]:
    """Rows of a JSON array as what follows a row's number in its JSON object; as `lines`."""
    return _batches(elements(path, row_bytes), "rows", features, columns)


def _batches(
    texts: Iterator[tuple[str, str]], field: str, features: Sequence[Column], columns: list[str]
) -> Generator[Sequence[str], None, None]:
    columns += [feature.name for feature in features]
    known = set(columns)
    batch: list[str] = []
    size = 0
    for place, text in texts:
        row = _members(field, place, text)
        if not known.issuperset(row):
            new = [name for name in row if name not in known]
            check_names(new)
            columns += new
            known.update(new)
            if len(columns) > MAX_COLUMNS:
                raise FieldsError((field, f"{place}: the rows so far have more than {MAX_COLUMNS} columns"))
        body = encoder.encode(row).decode()
        batch.append(f",{body[1:]}" if row else "}")
        size += len(body)
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _members(field: str, place: str, text: str) -> dict[str, msgspec.Raw]:
    """A row's members, their values as they are written.

    The values are decoded as well: one row that a reader cannot take would cost the others of its message.
    """
    try:
        value = decoder.decode(text)
        if not isinstance(value, dict):
            raise FieldsError((field, f"{place} is not a JSON object"))
        if text.count("[") + text.count("{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
            raise FieldsError((field, f"{place} is nested more than {MAX_DEPTH} deep"))
        return members.decode(text)
    except RecursionError as error:
        raise FieldsError((field, f"{place} is nested more than {MAX_DEPTH} deep")) from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise FieldsError((field, f"{place} is not JSON: {error}")) from error


def _depth(value: Any) -> int:
    """How deep objects and arrays are nested."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return depth


def _lines(path: Path, row_bytes: int) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(row_bytes + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(BOM_UTF8)
            if len(line) > row_bytes:
                raise FieldsError(("file", f"line {number} has more than {row_bytes} bytes"))
            if line.isspace() or not line:
                continue
            try:
                yield f"line {number}", line.decode()
            except UnicodeDecodeError as error:
                raise FieldsError(("file", f"line {number} is not in UTF-8")) from error
