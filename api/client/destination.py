"""Where a result goes: standard output, or a file that is there whole or not at all."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from api.client.errors import ClientError, UsageError
from api.client.formats import Format

TO_OUTPUT = "-"


def check(output: str, format_: Format) -> None:
    """See that the result can be written, before anything is asked of the API.

    Raises:
        UsageError: it cannot.
    """
    if output == TO_OUTPUT:
        if format_ is Format.PARQUET and sys.stdout.isatty():
            raise UsageError("Parquet is not for a terminal: name a file with --output")
        return
    path = Path(output)
    if path.is_dir():
        raise UsageError(f"--output: {output} is a folder")
    if not path.parent.is_dir():
        raise UsageError(f"--output: there is no folder {path.parent}")
    if not os.access(path if _is_device(path) else path.parent, os.W_OK):
        raise UsageError(f"--output: {output} cannot be written here")


def write(output: str, pour: Callable[[BinaryIO], None]) -> None:
    """Have `pour` write the result; a file is written beside and renamed once it is whole.

    Raises:
        ClientError: the disk does not take it.
    """
    if output == TO_OUTPUT:
        pour(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    try:
        if _is_device(path):
            with path.open("wb") as device:
                pour(device)
        else:
            _beside(path.resolve(), pour)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ClientError(f"{output}: {error.strerror or error}") from error


def can_begin_again(output: str) -> bool:
    """Whether what was written can be taken back."""
    return output != TO_OUTPUT and not _is_device(Path(output))


def _beside(path: Path, pour: Callable[[BinaryIO], None]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            pour(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _is_device(path: Path) -> bool:
    """Whether it is there and is no regular file, such as a pipe: nothing can be renamed over it."""
    return path.exists() and not path.is_file()
