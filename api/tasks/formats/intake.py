"""A task's input, whatever its format, into chunks of JSON."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from api.tasks.formats import delimited, objects
from api.tasks.formats.columns import Column
from api.tasks.formats.format import Format
from api.tasks.formats.packing import Chunk, Limits, pack

__all__ = ["Chunk", "Column", "Format", "Intake", "Limits", "read"]

READERS: Final = {Format.CSV: delimited.rows, Format.NDJSON: objects.lines, Format.JSON_ROWS: objects.array}


class Intake:
    """The chunks of an input, to be iterated over once, in a thread; memory is bounded whatever the input's size."""

    def __init__(self, chunks: Iterator[Chunk], columns: list[str]) -> None:
        self._chunks = chunks
        self.columns: list[str] = columns
        """Of the input: of a file with a header they are whole with the first chunk, of JSON with the last."""

    def __iter__(self) -> Iterator[Chunk]:
        return self._chunks


def read(
    path: Path, form: Format, features: Sequence[Column], *, task: UUID, version: str | None, limits: Limits
) -> Intake:
    """Read an input into chunks, while they are iterated over.

    A chunk's payload is a JSON array of `{"__task":…,"__row":…,("__version":…,) <columns>}`.

    Raises (while iterated over):
        FieldsError: the input is not of its format, columns are missing or called wrong, a row is too large, or there
            is none; a row that lacks a feature passes in JSON: it is that row's error alone.
        TooLargeError: there are more rows than are taken.
    """
    columns: list[str] = []
    bodies = READERS[form](path, features, columns, limits.chunk_bytes)
    field = "rows" if form is Format.JSON_ROWS else "file"
    return Intake(pack(bodies, field, task, version, limits), columns)
