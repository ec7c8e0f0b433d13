"""Answers on disk, while the database is away.

A file is a sequence of lines: the CRC-32 of a record in eight hexadecimal digits, a space, the record (JSON), a
newline. What is appended is on the disk before `append` returns (`fdatasync`). A record that was torn by a crash, or
damaged, fails its checksum and is left out; the next line is read as usual.

Each file is locked by the process that writes it, for as long as that lives. A file without a lock was left behind: the
first process to lock it takes it over. Files are replaced by new ones as they grow, and removed once they are read.
"""

import fcntl
import os
import time
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.monitoring.errors import SpillFailed

SUFFIX = ".answers"
SEGMENT_BYTES = 4 * 1024 * 1024


@dataclass
class _Segment:
    """One file, open and locked; `read` is how far it has been read."""

    path: Path
    descriptor: int
    size: int
    read: int = 0


@dataclass
class Chunk:
    """Records from the front of the oldest file, and how far they reach in it; `corrupt` lines are not among them."""

    records: list[bytes] = field(default_factory=list)
    corrupt: int = 0
    path: Path = Path()
    end: int = 0


class Spill:
    """The files of one process, oldest first; used by one thread."""

    def __init__(self, folder: Path, max_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max_bytes)
        self._segments: list[_Segment] = []
        # the file that is appended to, if there is one: the last
        self._open: _Segment | None = None

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return sum(segment.size for segment in self._segments)

    @property
    def empty(self) -> bool:
        return not self._segments

    def append(self, records: Sequence[bytes]) -> int:
        """Put records at the end, as many as fit, in order; return how many.

        Raises:
            SpillFailed: the disk is full or the folder closed to us; none of them is kept.
        """
        lines = [_line(record) for record in records]
        room, kept = self._max_bytes - self.size, 0
        while kept < len(lines) and len(lines[kept]) <= room:
            room -= len(lines[kept])
            kept += 1
        if kept:
            try:
                self._write(b"".join(lines[:kept]))
            except OSError as error:
                raise SpillFailed(f"{error.filename or self._folder}: {error.strerror}") from error
        return kept

    def read(self, max_bytes: int) -> Chunk:
        """Read records from the front, at least one line and otherwise at most `max_bytes`; they stay until `advance`.

        Raises:
            SpillFailed: the file cannot be read.
        """
        segment = self._segments[0]
        try:
            data, ended = _lines(segment, max_bytes)
        except OSError as error:
            raise SpillFailed(f"{segment.path}: {error.strerror}") from error
        chunk = Chunk(path=segment.path, end=segment.read + len(data))
        lines = data.split(b"\n")
        torn = lines.pop()
        if torn and ended:
            chunk.corrupt += 1
        for line in lines:
            record = _record(line)
            if record is None:
                chunk.corrupt += 1
            else:
                chunk.records.append(record)
        return chunk

    def advance(self, chunk: Chunk) -> None:
        """Forget what a chunk holds; a file that is read to its end is removed."""
        segment = self._segments[0]
        segment.read = chunk.end
        if segment.read >= segment.size:
            del self._segments[0]
            if segment is self._open:
                self._open = None
            segment.path.unlink(missing_ok=True)
            os.close(segment.descriptor)

    def adopt(self) -> int:
        """Take over the files that processes left behind; return how many.

        Raises:
            SpillFailed: the folder or a file cannot be opened; every other file is taken over.
        """
        own = {segment.path for segment in self._segments}
        adopted: list[_Segment] = []
        failed: OSError | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            found = [path for path in sorted(self._folder.glob(f"*{SUFFIX}")) if path not in own]
        except OSError as error:
            found, failed = [], error
        for path in found:
            try:
                segment = _locked(path)
            except OSError as error:
                failed = error
            else:
                adopted += [segment] if segment is not None else []
        self._segments = [*adopted, *self._segments]
        if failed is not None:
            raise SpillFailed(f"{failed.filename or self._folder}: {failed.strerror}") from failed
        return len(adopted)

    def close(self) -> None:
        """Let go of the files; whoever starts next takes them over."""
        for segment in self._segments:
            os.close(segment.descriptor)
        self._segments, self._open = [], None

    def _write(self, data: bytes) -> None:
        if self._open is None or self._open.size >= self._segment_bytes:
            self._open = self._new_segment()
            self._segments.append(self._open)
        segment = self._open
        try:
            written = os.write(segment.descriptor, data)
            while written < len(data):
                written += os.write(segment.descriptor, data[written:])
            os.fdatasync(segment.descriptor)
        except OSError:
            # what is half written must not stand before the next line
            os.ftruncate(segment.descriptor, segment.size)
            raise
        segment.size += len(data)

    def _new_segment(self) -> _Segment:
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
        # locked before it has the name by which others would find it
        draft, path = self._folder / f".{name}", self._folder / f"{name}{SUFFIX}"
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            draft.rename(path)
            _sync_folder(self._folder)
        except OSError:
            os.close(descriptor)
            raise
        return _Segment(path, descriptor, 0)


def _line(record: bytes) -> bytes:
    return b"%08x %s\n" % (zlib.crc32(record), record)


def _record(line: bytes) -> bytes | None:
    """The record of a line without its newline, None if it is not what was written."""
    digits, space, record = line[:8], line[8:9], line[9:]
    return record if space == b" " and digits == b"%08x" % zlib.crc32(record) else None


def _lines(segment: _Segment, max_bytes: int) -> tuple[bytes, bool]:
    """Whole lines from where the file is read to, and whether the file ends there; then its last may be torn."""
    while True:
        data = os.pread(segment.descriptor, max_bytes, segment.read)
        ended = segment.read + len(data) >= segment.size
        if ended:
            return data, True
        whole = data.rfind(b"\n") + 1
        if whole:
            return data[:whole], False
        if not data:
            raise OSError(0, "shorter than it was")
        max_bytes *= 2


def _locked(path: Path) -> _Segment | None:
    """The file if its owner is gone, None if it lives or has just removed it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if isinstance(error, BlockingIOError):
            return None
        raise
    status = os.fstat(descriptor)
    if status.st_nlink and not status.st_size:
        path.unlink(missing_ok=True)
    if not (status.st_nlink and status.st_size):
        os.close(descriptor)
        return None
    return _Segment(path, descriptor, status.st_size)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
