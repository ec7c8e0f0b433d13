"""What a pipeline is doing, for people and probes."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import structlog


class Health:
    """State of one pipeline; stages report to it, the console reads it. Each change is one line of the log."""

    def __init__(self, log: structlog.stdlib.BoundLogger) -> None:
        self.log = log
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[str, float]] = {}
        self._troubles: dict[str, tuple[str, float]] = {}
        self._busy: dict[str, float] = {}
        self._partitions: list[int] = []
        self._placed = False
        self._state = "starting"
        self._error: str | None = None

    def waiting(self, stage: str, reason: str) -> None:
        """The stage cannot go on; `reason` says what it waits for."""
        with self._lock:
            before = self._waiting.get(stage)
            since = before[1] if before else time.monotonic()
            self._waiting[stage] = (reason, since)
        if before is None or before[0] != reason:
            self.log.warning("waiting", stage=stage, reason=reason)

    def going(self, stage: str) -> None:
        """The stage goes on."""
        with self._lock:
            before = self._waiting.pop(stage, None)
        if before is not None:
            self.log.info("going on", stage=stage, after_seconds=round(time.monotonic() - before[1], 1))

    def is_waiting(self, stage: str) -> bool:
        with self._lock:
            return stage in self._waiting

    @contextmanager
    def busy(self, stage: str) -> Iterator[None]:
        """Within, the stage has a batch in hand."""
        with self._lock:
            self._busy[stage] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._busy[stage]

    def trouble(self, task: str, reason: str) -> None:
        """A task beside the stream fails; rows go on being predicted meanwhile."""
        with self._lock:
            before = self._troubles.get(task)
            self._troubles[task] = (reason, before[1] if before else time.monotonic())
        if before is None or before[0] != reason:
            self.log.warning("trouble", task=task, reason=reason)

    def trouble_over(self, task: str) -> None:
        """The task does again what it should."""
        with self._lock:
            before = self._troubles.pop(task, None)
        if before is not None:
            self.log.info("trouble over", task=task, after_seconds=round(time.monotonic() - before[1], 1))

    def partitions(self, owned: Iterable[int], *, placed: bool) -> None:
        """Which partitions the pipeline owns, and whether reading has begun in all of them."""
        with self._lock:
            before, self._partitions, self._placed = self._partitions, sorted(owned), placed
        if before != self._partitions:
            self.log.info("partitions", owned=self._partitions)

    def running(self) -> None:
        with self._lock:
            self._state = "running"

    def stopped(self, error: str | None = None) -> None:
        with self._lock:
            self._state, self._error = ("stopped", None) if error is None else ("failed", error)

    @property
    def ready(self) -> bool:
        """Whether rows that arrive now are predicted now."""
        with self._lock:
            return self._state == "running" and self._placed and not self._waiting

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON-ready values.

        `waiting` holds what each stage waits for and since how many seconds; `troubles` likewise what is wrong beside
        the stream, and `busy` since how many seconds a stage has had the same batch in hand.
        """
        with self._lock:
            now = time.monotonic()
            waiting = [
                {"stage": stage, "reason": reason, "seconds": round(now - since, 1)}
                for stage, (reason, since) in self._waiting.items()
            ]
            troubles = [
                {"task": task, "reason": reason, "seconds": round(now - since, 1)}
                for task, (reason, since) in self._troubles.items()
            ]
            busy = [{"stage": stage, "seconds": round(now - since, 1)} for stage, since in self._busy.items()]
            return {
                "state": self._state,
                "error": self._error,
                "partitions": self._partitions,
                "waiting": waiting,
                "troubles": troubles,
                "busy": busy,
            }
