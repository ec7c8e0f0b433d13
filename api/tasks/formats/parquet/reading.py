"""A Parquet file to lines of JSON, a few hundred rows at a time."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from api.tasks.formats.parquet.bounds import ADDRESS_SPACE_BYTES
from api.tasks.formats.parquet.types import UnreadableType, readable

BATCH_ROWS: Final = 500
BUFFER_BYTES: Final = 1024 * 1024
WHOLE: Final = {"INT64", "INT32"}

encoder = msgspec.json.Encoder(decimal_format="number")
Column = Callable[[pa.Array], list[Any]]


class Problem(Exception):
    """The file cannot be read; `field` is the file or a column."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


def read(path: Path, features: dict[str, str], row_bytes: int, out: BinaryIO) -> int:
    """Write the names of the columns and the rows, or what is wrong with the file; return the exit status.

    A fraction of nothing in a column for a whole number (35.0) is left out, as where a null has made it a float.
    """
    try:
        _write(path, features, row_bytes, out)
    except Problem as problem:
        field, text = problem.field, str(problem)
    except MemoryError:
        mebibytes = ADDRESS_SPACE_BYTES >> 20
        field, text = "file", f"cannot be read within {mebibytes} MiB of memory: write smaller row groups and pages"
    except BrokenPipeError:
        return 1
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        field, text = "file", f"is not Parquet that can be read: {_first_line(error)}"
    else:
        out.flush()
        return 0
    out.write(b"!" + encoder.encode([field, text]) + b"\n")
    out.flush()
    return 0


def _write(path: Path, features: dict[str, str], row_bytes: int, out: BinaryIO) -> None:
    with pq.ParquetFile(
        path, buffer_size=BUFFER_BYTES, pre_buffer=False, coerce_int96_timestamp_unit="us", memory_map=False
    ) as file:
        schema = file.schema_arrow
        out.write(encoder.encode(schema.names) + b"\n")
        out.flush()
        columns = [_column(field, features.get(field.name)) for field in schema]
        number = 0
        for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
            values = [
                _values(column, array, name) for column, array, name in zip(columns, batch, schema.names, strict=True)
            ]
            for row in zip(*values, strict=True):
                number += 1
                line = encoder.encode(dict(zip(schema.names, row, strict=True)))
                if len(line) > row_bytes:
                    raise Problem(
                        "file", f"row {number} is too large: a row may take at most {row_bytes} bytes as JSON"
                    )
                out.write(line + b"\n")


def _column(field: pa.Field, datatype: str | None) -> Column:
    """How a column's values become Python objects."""
    try:
        kind = readable(field.type)
    except UnreadableType as error:
        raise Problem(field.name, str(error)) from error

    def values(array: pa.Array) -> list[Any]:
        found: list[Any] = (array if kind == array.type else array.cast(kind, safe=False)).to_pylist()
        return found

    if datatype in WHOLE and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return lambda array: [_whole(value) for value in values(array)]
    return values


def _values(column: Column, array: pa.Array, name: str) -> list[Any]:
    try:
        return column(array)
    except MemoryError:
        raise
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise Problem(name, f"holds what cannot be read: {_first_line(error)}") from error


def _whole(value: float | Decimal | None) -> Any:
    # neither an infinity nor NaN has a remainder of 0
    return int(value) if value is not None and value % 1 == 0 else value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]
