"""Which versions of a model were served, in order, and the one way to serve another.

Each line of `<models dir>/<name>/served.jsonl` tells of one change. A version that is served again is where it was in
the order, and those after it are gone from it: what was rolled back is not rolled back to.
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from api.model import artifact

LOG = "served.jsonl"
LOCK = ".serving"


class Served(msgspec.Struct, frozen=True):
    """From when on a version was served, and why.

    One that was `chosen` was retrained, gone back to or trained by name, and is not what the program comes with.
    """

    version: str
    since: str
    reason: str
    chosen: bool = False


@contextmanager
def serving(models_dir: Path, name: str) -> Iterator[None]:
    """Keep others from serving another version until the block ends, here and in other processes; they wait."""
    home = models_dir / name
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def serve(models_dir: Path, name: str, version: str, reason: str, *, chosen: bool) -> None:
    """Point at a stored version and note it, within `serving`.

    Raises:
        BrokenModelError: the present pointer names no version.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    current = artifact.current_version(models_dir, name)
    noted = events(models_dir, name)
    lines = []
    if current is not None and (not noted or noted[-1].version != current):
        lines.append(Served(current, now, "served before"))
    lines.append(Served(version, now, reason, chosen))
    # first the note: one of a change that never came is put right by the next, as the pointer is what counts
    _append(models_dir / name / LOG, lines)
    artifact.serve_version(models_dir, name, version)


def chosen(models_dir: Path, name: str) -> bool:
    """Whether the version that is served was chosen, and is to be kept when the program comes with another.

    Raises:
        BrokenModelError: the pointer names no version.
    """
    noted = events(models_dir, name)
    return bool(noted) and noted[-1].chosen and noted[-1].version == artifact.current_version(models_dir, name)


def events(models_dir: Path, name: str) -> list[Served]:
    """Every change that was noted, oldest first."""
    try:
        lines = (models_dir / name / LOG).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [event for line in lines if (event := _event(line)) is not None]


def before(noted: Iterable[str], current: str) -> str | None:
    """The version that was served before the current one, of the versions as they came; None without one."""
    order: list[str] = []
    for version in (*noted, current):
        if version in order:
            del order[order.index(version) :]
        order.append(version)
    return order[-2] if len(order) > 1 else None


def _event(line: bytes) -> Served | None:
    # a line that a crash has torn is of a change that did not come
    try:
        return msgspec.json.decode(line, type=Served)
    except msgspec.MsgspecError:
        return None


def _append(log: Path, events: Iterable[Served]) -> None:
    # a newline before, too: the last line may be torn
    data = b"".join(b"\n" + msgspec.json.encode(event) for event in events) + b"\n"
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
