"""What named processes take: CPU seconds and memory over a block, and memory, threads and files at one moment.

    with measured({"subscriber": subscriber.pid, "target": postgres.pid}) as used:
        ...
    used["target"].cpu_seconds

The children of a process count with it, those too that ended within the block if it waited for them, as Postgres does.
Of this process, of which every server may be a child, its own part alone counts.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SAMPLE_SECONDS: Final = 0.1
# to find children, every process of the machine is looked at
CHILDREN_SECONDS: Final = 1.0


@dataclass
class Used:
    """What a process and its children took in a block of so many seconds.

    `peak_mb` is the most memory that they held together at one of the samples, ten a second; what they share counts
    once.
    """

    user_seconds: float = 0.0
    system_seconds: float = 0.0
    seconds: float = 0.0
    peak_mb: float = 0.0

    @property
    def cpu_seconds(self) -> float:
        return self.user_seconds + self.system_seconds

    @property
    def cores(self) -> float:
        """How many cores were busy with it, on average."""
        return self.cpu_seconds / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Held:
    """What a process and its children hold at one moment; memory that they share counts once."""

    memory_mb: float
    threads: int
    files: int


def held(pid: int) -> Held:
    """What it holds now.

    Raises:
        psutil.NoSuchProcess: it does not run.
    """
    tree = _Tree(pid)
    threads = files = 0
    for process in tree.processes:
        with suppress(psutil.NoSuchProcess):
            threads, files = threads + process.num_threads(), files + process.num_fds()
    return Held(tree.peak_mb, threads, files)


@contextmanager
def measured(pids: Mapping[str, int], sample_seconds: float = SAMPLE_SECONDS) -> Iterator[dict[str, Used]]:
    """What each process takes in the block; the figures are there at its end.

    Each sample looks at every process of the machine: the fewer there are, the less is taken by looking. Of a process
    that ends within the block, what it had taken at the last sample counts.

    Raises:
        psutil.NoSuchProcess: one of them does not run.
    """
    trees = {name: _Tree(pid) for name, pid in pids.items()}
    used = {name: Used() for name in trees}
    ended = threading.Event()
    spent: list[float] = []
    sampling = threading.Thread(target=_sample, args=(list(trees.values()), ended, spent, sample_seconds), daemon=True)
    began = time.monotonic()
    sampling.start()
    try:
        yield used
    finally:
        seconds = time.monotonic() - began
        ended.set()
        sampling.join()
        for name, tree in trees.items():
            tree.look(anew=True)
            used[name] = tree.used(seconds)
            if pids[name] == os.getpid():
                # what sampling took is none of its work
                used[name].user_seconds = max(0.0, used[name].user_seconds - sum(spent))


def _sample(trees: list[_Tree], ended: threading.Event, spent: list[float], seconds: float) -> None:
    while not ended.wait(seconds):
        for tree in trees:
            tree.look()
    spent.append(time.thread_time())


class _Tree:
    """A process with its children, as they stand at each look."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._alone = pid == os.getpid()
        self._find_children()
        self._first = self._last = self._times()
        self._peak = 0
        self.look()

    def look(self, *, anew: bool = False) -> None:
        try:
            if anew or time.monotonic() > self._found + CHILDREN_SECONDS:
                self._find_children()
            self._last = self._times()
            self._peak = max(self._peak, self._memory())
        except psutil.NoSuchProcess:
            # it ended; what was seen last stands
            return

    def used(self, seconds: float) -> Used:
        user, system = (last - first for last, first in zip(self._last, self._first, strict=True))
        return Used(user, system, seconds, self.peak_mb)

    @property
    def peak_mb(self) -> float:
        return self._peak / 2**20

    def _times(self) -> tuple[float, float]:
        user = system = 0.0
        for process in self.processes:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                if process == self._process:
                    raise
                continue
            user, system = user + times.user, system + times.system
            if not self._alone:
                user, system = user + times.children_user, system + times.children_system
        return user, system

    def _memory(self) -> int:
        own, shared = 0, 0
        for process in self.processes:
            try:
                memory = process.memory_info()
            except psutil.NoSuchProcess:
                if process == self._process:
                    raise
                continue
            both = getattr(memory, "shared", 0)
            own, shared = own + memory.rss - both, max(shared, both)
        return own + shared

    def _find_children(self) -> None:
        self._found = time.monotonic()
        children = [] if self._alone else self._process.children(recursive=True)
        self.processes = [self._process, *children]
