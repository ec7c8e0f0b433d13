"""How many wrong passwords are borne before one has to wait.

The windows are short: whoever tries passwords for another's name keeps it from signing in for no longer than a window
after the last try, and tokens that were given before stay good all the while. Whoever reaches the bound of all names
keeps everybody from signing in: without it, guesses would take the processors from the models.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """At most so many wrong passwords within so many seconds."""

    tries: int
    seconds: int


@dataclass(frozen=True)
class Failures:
    """Wrong passwords within a bound's seconds: how many, and the age of the one whose end makes room for a try."""

    count: int
    oldest_seconds: float


BY_NAME = Bound(tries=10, seconds=60)
OF_ALL = Bound(tries=100, seconds=10)


def wait_seconds(bound: Bound, failures: Failures) -> int:
    """How long to wait before the next try, in whole seconds; 0 to try at once.

    Of `failures`, the oldest is the `bound.tries`-th last: once it is out of the window there is room for one more.
    """
    if failures.count < bound.tries:
        return 0
    return max(1, math.ceil(bound.seconds - failures.oldest_seconds))
