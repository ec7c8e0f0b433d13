"""The images that wait for the store, and who may be uploaded now."""

import random
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from pathlib import Path

from api.archive.kept import KeptObject
from api.archive.policy import retry_delay

LEAST_AGES = 1000


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
        self._in_memory: dict[str, Waiting] = {}
        # counted as they come and go: a long outage has hundreds of thousands wait, and metrics ask for them
        self._bytes, self._bytes_in_memory = 0, 0
        # when each came; what waits no more is left out when it is its turn
        self._ages: list[tuple[float, str]] = []
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
            self._bytes += one.size
            if one.kept is not None:
                self._in_memory[one.key] = one
                self._bytes_in_memory += one.size
            heappush(self._ages, (one.since, one.key))
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
            return list(self._in_memory.values())

    def spooled(self, one: Waiting) -> None:
        """It was in memory, and has a file now."""
        with self._changed:
            self._out_of_memory(one)

    def end(self) -> None:
        """Let `take` return None once nothing waits, or the store fails."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def count(self, *, in_memory: bool) -> Count:
        with self._changed:
            if in_memory:
                return Count(len(self._in_memory), self._bytes_in_memory)
            return Count(len(self._waiting) - len(self._in_memory), self._bytes - self._bytes_in_memory)

    def oldest(self) -> float | None:
        """When the oldest came, in seconds since 1970."""
        with self._changed:
            return self._ages[0][0] if self._ages else None

    def _next(self) -> Waiting | None:
        return next((one for one in self._waiting.values() if not one.busy), None)

    def _forget(self, one: Waiting) -> None:
        one.busy = False
        del self._waiting[one.key]
        self._bytes -= one.size
        self._out_of_memory(one)
        while self._ages and self._ages[0][1] not in self._waiting:
            heappop(self._ages)
        # behind one that waits for ever the others' are not left to pile up
        if len(self._ages) > LEAST_AGES + 2 * len(self._waiting):
            self._ages = [(each.since, each.key) for each in self._waiting.values()]
            heapify(self._ages)
        self._changed.notify_all()

    def _out_of_memory(self, one: Waiting) -> None:
        if self._in_memory.pop(one.key, None) is not None:
            self._bytes_in_memory -= one.size
