"""Tries again while a server is away."""

import random
from collections.abc import Callable
from typing import Protocol

from data_generator.backoff import delay_seconds
from data_generator.errors import AwayError


class Listener(Protocol):
    """Who hears that a server went and came back."""

    def lost(self, reason: str) -> None: ...
    def back(self, failures: int) -> None: ...


def insist(step: Callable[[], None], pause: Callable[[float], bool], listener: Listener) -> bool:
    """Repeat `step` until it succeeds; False if the run is to stop before that.

    Args:
        step: raises AwayError while the server is away.
        pause: waits so many seconds; False, at once, when the run is to stop.
        listener: hears of the loss and of the return, once.
    """
    failures = 0
    while True:
        try:
            step()
        except AwayError as lost:
            failures += 1
            if failures == 1:
                listener.lost(str(lost))
            if not pause(delay_seconds(failures, random.random())):  # noqa: S311 - only spreads load
                return False
        else:
            if failures:
                listener.back(failures)
            return True
