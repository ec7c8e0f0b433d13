"""How long to wait before another try."""

from __future__ import annotations

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 5.0
LONGEST_ASKED_SECONDS = 60.0


def delay_seconds(attempt: int, jitter: float, asked_seconds: float | None = None) -> float:
    """Seconds to wait after try number `attempt` (from 1) failed.

    Doubles with each try up to a bound, then takes between half and all of it, so that many clients do not come back
    together ("equal jitter"). What the server asked for is a lower bound, itself bounded against a mistaken header.

    Args:
        attempt: how many tries have failed, at least 1.
        jitter: a random number in [0, 1].
        asked_seconds: the server's Retry-After, if it sent one.
    """
    full = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(attempt - 1, 16))
    own = full / 2 + jitter * full / 2
    return max(own, min(asked_seconds or 0.0, LONGEST_ASKED_SECONDS))
