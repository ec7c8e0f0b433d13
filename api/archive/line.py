"""The images that wait for the store, and who may be uploaded now."""

import random
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from api.archive.kept import KeptObject
from api.archive.policy import retry_delay


@dataclass
class Waiting:
    """One image; either `path` says where it is spooled, or it is `kept` in memory."""

    key: str
    size: int
    """Bytes."""
    since: float
    """When it came, in seconds since 1970."""
    path: Path | None = None
    kept: KeptObject | None = None
    tried: bool = False
    """It may be in the store already: an upload ended without an answer, or with the process."""
    busy: bool = False
    """Somebody has taken it."""


@dataclass(frozen=True)
class Count:
    images: int
    bytes: int


class Line:
    """Images in the order in which they came, each taken by one thread at a time.

    After a failure nobody is given an image for a while, then one thread is, until the store has taken one again.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._changed = threading.Condition()
        self._taken = 0
        self._failures = 0
        self._paused_until = 0.0
        self._ending = False

    def add(self, one: Waiting) -> bool:
        """Put one at the end; False if one of its key waits already."""
        with self._changed:
            if one.key in self._waiting:
                return False
            self._waiting[one.key] = one
            self._changed.notify()
            return True

    def take(self) -> Waiting | None:
        """Wait for the next that may be uploaded; None at the end.

        At the end nothing is waited for, neither for others nor for a store that has failed.
        """
        with self._changed:
            while True:
                if self._ending and self._failures:
                    return None
                one = self._next()
                if one is None and self._ending:
                    return None
                pause = self._paused_until - time.monotonic()
                if one is not None and pause <= 0 and not (self._failures and self._taken):
                    one.busy = True
                    self._taken += 1
                    return one
                self._changed.wait(pause if pause > 0 else None)

    def stored(self, one: Waiting) -> None:
        """The store has it."""
        with self._changed:
            self._taken -= 1
            self._failures = 0
            self._forget(one)

    def dropped(self, one: Waiting) -> None:
        """Nobody will have it; that says nothing of the store."""
        with self._changed:
            self._taken -= 1
            self._forget(one)

    def failed(self, one: Waiting, *, last: bool = False) -> None:
        """The store does not have it; it waits on in its place, or behind all others."""
        with self._changed:
            self._taken -= 1
            self._failures += 1
            self._paused_until = time.monotonic() + retry_delay(self._failures, random.random())  # noqa: S311
            one.busy = False
            if last:
                self._waiting.move_to_end(one.key)
            self._changed.notify_all()

    def claim(self, key: str, timeout_seconds: float) -> Waiting | None:
        """Take an image that waits, whenever it would be its turn; None if there is none of this key, or not in time.

        To be given back with `release`.
        """
        with self._changed:
            self._changed.wait_for(lambda: key not in self._waiting or not self._waiting[key].busy, timeout_seconds)
            one = self._waiting.get(key)
            if one is None or one.busy:
                return None
            one.busy = True
            return one

    def release(self, one: Waiting) -> None:
        """Give back what was claimed."""
        with self._changed:
            one.busy = False
            self._changed.notify_all()

    def find(self, key: str) -> Waiting | None:
        with self._changed:
            return self._waiting.get(key)

    def in_memory(self) -> list[Waiting]:
        """What waits and is in no file."""
        with self._changed:
            return [one for one in self._waiting.values() if one.kept is not None]

    def end(self) -> None:
        """Let `take` return None once nothing waits, or the store fails."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def count(self, *, in_memory: bool) -> Count:
        with self._changed:
            sizes = [one.size for one in self._waiting.values() if (one.kept is not None) == in_memory]
            return Count(len(sizes), sum(sizes))

    def oldest(self) -> float | None:
        """When the oldest came, in seconds since 1970."""
        with self._changed:
            return min((one.since for one in self._waiting.values()), default=None)

    def _next(self) -> Waiting | None:
        return next((one for one in self._waiting.values() if not one.busy), None)

    def _forget(self, one: Waiting) -> None:
        one.busy = False
        del self._waiting[one.key]
        self._changed.notify_all()
