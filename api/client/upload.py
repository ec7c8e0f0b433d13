"""A file of rows on its way to the API, read piece by piece."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from api.client.errors import UsageError
from api.client.formats import FROM_INPUT, Format


class Counted:
    """A file that tells how far it has been read; as much of a file as httpx needs to send one in pieces.

    It is read from its start each time that it is sent.
    """

    def __init__(self, file: BinaryIO, read: Callable[[int], None]) -> None:
        self._file = file
        self._read = read

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._read(self._file.tell())
        return piece


def size_bytes(file: BinaryIO) -> int:
    """How large an open file is."""
    return os.fstat(file.fileno()).st_size


@contextmanager
def opened(file: str, format_: Format) -> Iterator[tuple[BinaryIO, str]]:
    """The file, and the name that the API is told; `-` is standard input, kept on disk so that it can be sent again.

    Raises:
        UsageError: it cannot be read.
    """
    if file == FROM_INPUT:
        with tempfile.TemporaryFile() as kept:
            try:
                shutil.copyfileobj(sys.stdin.buffer, kept)
            except OSError as error:
                raise UsageError(
                    f"standard input cannot be kept in {tempfile.gettempdir()}: {error.strerror}"
                ) from error
            kept.seek(0)
            yield kept, f"rows.{format_}"
        return
    path = Path(file)
    try:
        if not path.is_file():
            raise UsageError(f"{file}: there is no such file" if not path.exists() else f"{file}: is no regular file")
        rows = path.open("rb")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    with rows:
        yield rows, path.name
