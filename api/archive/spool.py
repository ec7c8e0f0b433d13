"""Objects on disk until the store has them: a file an object, in a folder a process.

A file gets its name once all of it is on the disk. A process locks its folder for as long as it lives; a folder without
a lock was left behind, and the first process to lock it moves the files into its own. What no store will ever take, or
what is not as it was written, is set aside under another ending, for somebody to look at.
"""

import errno
import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from api.archive.errors import SpoolDamaged, SpoolFailed
from api.archive.kept import KeptObject, decoded, encoded

SUFFIX = ".object"
ASIDE = ".aside"
LOCK = "lock"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


@dataclass(frozen=True)
class Found:
    """A file that an earlier process left; `since` in seconds since 1970."""

    key: str
    path: Path
    size: int
    since: float


@dataclass(frozen=True)
class Adopted:
    """What was moved here, and what kept some of it from being moved, if something did."""

    found: list[Found]
    failed: SpoolFailed | None = None


class Spool:
    """The files of one process; may be used from many threads."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._own: Path | None = None
        self._locked = -1
        self._sizes: dict[Path, int] = {}
        self._bytes = 0
        self._change = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes in all files."""
        return self._bytes

    def put(self, kept: KeptObject) -> Path:
        """Keep an object, instead of one of the same key; it is on the disk when this returns.

        Raises:
            SpoolFailed: the bound is reached, the disk is full or the folder closed to us; nothing has changed.
        """
        file = encoded(kept)
        try:
            path = self._own_folder() / _name(kept.key)
            self._account(path, len(file))
            try:
                _write(path, file)
            except OSError:
                self._account(path, 0)
                raise
        except OSError as error:
            raise _failed(error, self.folder) from error
        return path

    def replace(self, path: Path, kept: KeptObject) -> None:
        """Write an object's file anew, whatever the bound.

        Raises:
            SpoolFailed: the disk is full or the folder closed to us; the file is as it was.
        """
        file = encoded(kept)
        try:
            _write(path, file)
        except OSError as error:
            raise _failed(error, self.folder) from error
        self._account(path, len(file), bounded=False)

    def read(self, path: Path) -> KeptObject:
        """Return an object.

        Raises:
            SpoolDamaged: the file is not what was written.
            FileNotFoundError: it is not there any more.
            SpoolFailed: it cannot be read.
        """
        try:
            return decoded(path.read_bytes())
        except FileNotFoundError:
            raise
        except OSError as error:
            raise _failed(error, path) from error

    def remove(self, path: Path) -> None:
        """Forget an object.

        Raises:
            SpoolFailed: its file cannot be removed; the next process finds it.
        """
        self._account(path, 0)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _failed(error, path) from error

    def set_aside(self, path: Path) -> Path:
        """Keep a file from being tried again; return what it is called now.

        Raises:
            SpoolFailed: it cannot be moved; the next process finds it.
        """
        self._account(path, 0)
        aside = self.folder / f"{path.name.removesuffix(SUFFIX)}{ASIDE}"
        try:
            return path.rename(aside)
        except OSError as error:
            raise _failed(error, path) from error

    def elsewhere(self, key: str) -> KeptObject | None:
        """An object that waits in the folder of another process."""
        try:
            folders = self._others()
        # then there are none to look into
        except OSError:
            return None
        for folder in folders:
            try:
                return decoded((folder / _name(key)).read_bytes())
            # not there, or on its way out
            except (OSError, SpoolDamaged):
                continue
        return None

    def adopt(self) -> Adopted:
        """Move here what processes left behind that have ended, the oldest first; what cannot be moved stays there."""
        found: list[Found] = []
        failed: SpoolFailed | None = None
        try:
            folders = self._others()
        except OSError as error:
            return Adopted([], _failed(error, self.folder))
        for folder in folders:
            # one folder that is at fault, or not of our making, keeps the others' files from nobody
            try:
                for one in self._emptied(folder):
                    found.append(one)
            except OSError as error:
                failed = _failed(error, folder)
        return Adopted(sorted(found, key=lambda one: one.since), failed)

    def close(self) -> None:
        """Let go of the folder; whoever starts next takes over what is in it."""
        if self._own is None:
            return
        if not self._sizes:
            # one that stays is empty, and removed by the next process
            with suppress(OSError):
                _remove_folder(self._own)
        os.close(self._locked)
        self._own = None

    def _emptied(self, folder: Path) -> Iterator[Found]:
        """Move the files of a folder, each of which is given as soon as it is here."""
        descriptor = _lock_of_ended(folder)
        if descriptor is None:
            return
        try:
            own = self._own_folder()
            for left in sorted(folder.glob(f"*{SUFFIX}")):
                status = left.stat()
                path = left.rename(own / left.name)
                self._account(path, status.st_size, bounded=False)
                key = unquote(path.name.removesuffix(SUFFIX))
                yield Found(key, path, status.st_size, status.st_mtime)
            _remove_folder(folder)
        finally:
            os.close(descriptor)

    def _others(self) -> list[Path]:
        try:
            folders = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(path for path in folders if path != self._own)

    def _own_folder(self) -> Path:
        with self._change:
            if self._own is None:
                self._own, self._locked = _new_folder(self.folder)
            return self._own

    def _account(self, path: Path, size: int, *, bounded: bool = True) -> None:
        """Count a file; 0 for one that is no more.

        Raises:
            OSError: there is no room for it within the bound.
        """
        with self._change:
            after = self._bytes - self._sizes.get(path, 0) + size
            if bounded and size and after > self._max_bytes:
                raise OSError(errno.ENOSPC, f"bound reached ({self._max_bytes} bytes)")
            self._bytes = after
            if size:
                self._sizes[path] = size
            else:
                self._sizes.pop(path, None)


def _name(key: str) -> str:
    """A file's name; nothing in a key leads out of the folder."""
    return quote(key, safe="", errors="surrogatepass") + SUFFIX


def _failed(error: OSError, where: Path) -> SpoolFailed:
    reason = "full" if error.errno in FULL else "closed" if error.errno in CLOSED else "other"
    return SpoolFailed(f"{error.filename or where}: {error.strerror}", reason)


def _write(path: Path, file: bytes) -> None:
    draft = path.with_name(f".{uuid.uuid4().hex}")
    try:
        with draft.open("xb") as opened:
            opened.write(file)
            opened.flush()
            os.fdatasync(opened.fileno())
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _new_folder(parent: Path) -> tuple[Path, int]:
    parent.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"
    # locked before it has the name by which others would find it
    draft, folder = parent / f".{name}", parent / name
    draft.mkdir(mode=0o700)
    descriptor = os.open(draft / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        draft.rename(folder)
        _sync_folder(parent)
    except OSError:
        os.close(descriptor)
        raise
    return folder, descriptor


def _lock_of_ended(folder: Path) -> int | None:
    """The lock of a folder whose owner is gone; None if that lives, or the folder is being removed."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if not os.fstat(descriptor).st_nlink:
        os.close(descriptor)
        return None
    return descriptor


def _remove_folder(folder: Path) -> None:
    for draft in folder.glob(".*"):
        draft.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    folder.rmdir()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
