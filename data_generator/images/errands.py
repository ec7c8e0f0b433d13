"""What is done some time after an answer, between the images that are sent."""

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from data_generator.backoff import delay_seconds
from data_generator.errors import AwayError, RefusedError

# the API keeps an answer right after it was given, in batches
FIRST_SECONDS = 0.5
# together over a minute: longer than anything that the API keeps waits while all servers are there
MOST_TRIES = 20
AWAY_SECONDS = 1.0

Errand = Callable[[], bool]
"""Does it, and says whether it could be done already; raises AwayError or RefusedError."""


@dataclass(order=True)
class _Waiting:
    due_seconds: float
    number: int
    errand: Errand = field(compare=False)
    count: Callable[[str], None] = field(compare=False)
    tries: int = field(default=0, compare=False)


class Errands:
    """Errands in the order in which they are due, and what became of those that are over."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._number = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def wait_seconds(self) -> float:
        """Until the next is due; 0 if one is, or there is none."""
        return max(0.0, self._waiting[0].due_seconds - self._clock()) if self._waiting else 0.0

    def add(self, errand: Errand, count: Callable[[str], None]) -> None:
        """Do `errand` in a while; `count` hears then: "done", "refused", or "given up" after a minute of not yet."""
        self._number += 1
        self._push(_Waiting(self._clock() + FIRST_SECONDS, self._number, errand, count))

    def do(self) -> None:
        """Try each that is due once, up to the first for which a server is away; that one waits however long it is."""
        now = self._clock()
        while self._waiting and self._waiting[0].due_seconds <= now:
            waiting = heapq.heappop(self._waiting)
            try:
                done = waiting.errand()
            except AwayError:
                self._again(waiting, AWAY_SECONDS)
                return
            except RefusedError:
                waiting.count("refused")
            else:
                if done:
                    waiting.count("done")
                elif waiting.tries + 1 >= MOST_TRIES:
                    waiting.count("given up")
                else:
                    waiting.tries += 1
                    self._again(waiting, delay_seconds(waiting.tries, jitter=0.0))

    def _again(self, waiting: _Waiting, seconds: float) -> None:
        waiting.due_seconds = self._clock() + seconds
        self._push(waiting)

    def _push(self, waiting: _Waiting) -> None:
        heapq.heappush(self._waiting, waiting)
