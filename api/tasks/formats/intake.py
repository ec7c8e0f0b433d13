"""A task's input, whatever its format, into chunks of JSON."""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from api.tasks.formats import delimited, objects, parquet_input
from api.tasks.formats.columns import Column
from api.tasks.formats.format import Format
from api.tasks.formats.packing import Chunk, Limits, pack

__all__ = ["Chunk", "Column", "Format", "Intake", "Limits", "read"]

READERS: Final = {
    Format.CSV: delimited.rows,
    Format.NDJSON: objects.lines,
    Format.JSON_ROWS: objects.array,
    Format.PARQUET: parquet_input.rows,
}


class Intake:
    """The chunks of an input, to be iterated over once, in a thread; memory is bounded whatever the input's size.

    Who stops before the end closes it: a file or a process is open.
    """

    def __init__(self, chunks: Generator[Chunk, None, None], columns: list[str]) -> None:
        self._chunks = chunks
        self.columns: list[str] = columns
        """Of the input: of a file with a header they are whole with the first chunk, of JSON with the last."""

    def __iter__(self) -> Iterator[Chunk]:
        return self._chunks

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._chunks.close()


def read(
    path: Path, form: Format, features: Sequence[Column], *, task: UUID, version: str | None, limits: Limits
) -> Intake:
    """Read an input into chunks, while they are iterated over.

    A chunk's payload is a JSON array of `{"__task":…,"__row":…,("__version":…,) <columns>}`.

    Raises (while iterated over):
        FieldsError: the input is not of its format, columns are missing or called wrong, a row is too large, or there
            is none; a row that lacks a feature passes in JSON: it is that row's error alone.
        TooLargeError: there are more rows, or more of them in bytes, than are taken.
    """
    columns: list[str] = []
    rows = READERS[form](path, features, columns, limits.chunk_bytes)
    return Intake(pack(rows, "rows" if form is Format.JSON_ROWS else "file", task, version, limits), columns)
