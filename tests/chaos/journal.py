"""What was planned and what was done, a line of JSON each; and which faults were about at a moment."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.plan import Fault

# what a fault does shows so many seconds after it, at most
AFTERMATH_SECONDS: Final = 15.0


class Done(NamedTuple):
    """A fault that was injected, with its beginning and end in epoch seconds.

    `effect` says in a few words what was seen of it; it is empty where nothing was.
    """

    fault: Fault
    began: float
    ended: float
    effect: str


class Journal:
    """The journal of one run; any thread may write to it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.done: list[Done] = []
        self._file = path.open("w", buffering=1)
        self._lock = threading.Lock()

    def write(self, event: str, **values: Any) -> None:
        """Write one line, with the time."""
        line = json.dumps({"at": round(time.time(), 3), "event": event, **values})
        with self._lock:
            self._file.write(line + "\n")

    def finished(self, fault: Fault, began: float, effect: str) -> None:
        """Note a fault that is over."""
        done = Done(fault, began, time.time(), effect)
        self.done.append(done)
        self.write("fault", **fault.as_dict(), began=round(began, 3), ended=round(done.ended, 3), effect=effect)

    def about(self, at: float) -> list[str]:
        """The faults that a moment lies in, or shortly after."""
        return [
            f"{done.fault.number} {done.fault.kind} {done.fault.target}"
            for done in self.done
            if done.began <= at <= done.ended + AFTERMATH_SECONDS
        ]

    def close(self) -> None:
        self._file.close()
