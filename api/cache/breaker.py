"""When a server that does not answer is asked again."""

FAILURES = 3
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 10.0


class Breaker:
    """Closed while the server answers; open, so that nobody asks it, once it has failed three times in a row.

    After a second, one probe is due (half open): its answer closes the breaker, its failure opens it for twice as long,
    ten seconds at most. Times are seconds of any one clock that only goes forward.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._seconds = FIRST_SECONDS
        self._probe_at: float | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        return self._probe_at is None

    def succeeded(self) -> None:
        """The server answered; what was asked before it opened, and is answered late, does not close it."""
        self._failures = 0

    def failed(self, now: float) -> bool:
        """The server did not answer; returns whether this opens the breaker."""
        if not self.closed:
            return False
        self._failures += 1
        if self._failures < FAILURES:
            return False
        self._probe_at = now + self._seconds
        return True

    def probe_due(self, now: float) -> bool:
        """Whether the caller is to probe, and to report it to `probed`; nobody else is told so meanwhile."""
        if self._probe_at is None or self._probing or now < self._probe_at:
            return False
        self._probing = True
        return True

    def probed(self, answered: bool, now: float) -> None:
        """What came of the probe."""
        self._probing = False
        if answered:
            self._failures, self._seconds, self._probe_at = 0, FIRST_SECONDS, None
        else:
            self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
            self._probe_at = now + self._seconds
