"""Rows of a Parquet file, read by a process of its own: what a file makes of its reader does not befall the API."""

import subprocess
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import IO, Final, cast

from api.tasks.errors import FieldsError
from api.tasks.formats.children import command, environment
from api.tasks.formats.columns import Column, check_features, check_names
from api.tasks.formats.encoding import decoder, encoder

BATCH_BYTES: Final = 128 * 1024


def rows(
    path: Path, features: Sequence[Column], columns: list[str], row_bytes: int
) -> Generator[Sequence[str], None, None]:
    """Rows of a Parquet file as what follows a row's number in its JSON object; `columns` becomes its columns.

    Raises:
        FieldsError: it is not Parquet or cannot be read within bounds, a column is at fault, or a row has more than
            `row_bytes` bytes.
    """
    datatypes = encoder.encode({feature.name: feature.datatype for feature in features}).decode()
    arguments = command("read", str(path.absolute()), datatypes, str(row_bytes))
    with subprocess.Popen(  # noqa: S603
        arguments, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            yield from _rows(cast(IO[bytes], child.stdout), features, columns)
            _check(child.wait())
        finally:
            child.kill()


def _rows(out: IO[bytes], features: Sequence[Column], columns: list[str]) -> Generator[Sequence[str], None, None]:
    header = out.readline()
    if header.startswith(b"["):
        columns += decoder.decode(header)
        check_names(columns)
        check_features(columns, features)
    elif header:
        _refuse(header)
    while lines := out.readlines(BATCH_BYTES):
        if lines[-1].startswith(b"!"):
            _refuse(lines[-1])
        if lines[-1].endswith(b"\n"):
            yield [f",{line[1:-1].decode()}" for line in lines]


def _refuse(line: bytes) -> None:
    field, problem = decoder.decode(line[1:])
    raise FieldsError((field, problem))


def _check(status: int) -> None:
    if status:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        raise FieldsError(("file", f"cannot be read as Parquet: its reader {how}"))
