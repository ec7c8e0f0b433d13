"""Ctrl-C and SIGTERM: asked once, the run ends after the batch in hand; asked twice, at once."""

import signal
import time
from types import FrameType

# How soon a wait notices the request to stop.
SLICE_SECONDS = 0.1


class Stop:
    """Whether the run is to stop, and a sleep that ends early when it is."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """Take over both signals, for the main thread of a process."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(number, signal.default_int_handler)

    def pause(self, seconds: float) -> bool:
        """Sleep so long, or until the run is to stop; False in that case."""
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_SECONDS))
        return not self.asked
