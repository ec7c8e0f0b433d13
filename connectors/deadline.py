"""How long to keep trying."""

import time

# A glance every half second is soon enough for a person and nothing for a server.
GLANCE_SECONDS = 0.5


class Deadline:
    """A moment on the monotonic clock up to which something is retried."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def pause(self, seconds: float = GLANCE_SECONDS) -> bool:
        """Wait before the next try; False, at once, when there is no time left for one."""
        if time.monotonic() + seconds > self._end:
            return False
        time.sleep(seconds)
        return True

    def pass_now(self) -> None:
        """Let there be no time left, for whoever waits by this deadline."""
        self._end = 0.0
