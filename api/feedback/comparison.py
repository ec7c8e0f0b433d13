"""Whether a candidate is better than the version that is served: functions of their input alone."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Right = npt.NDArray[np.bool_]

# how much of the digits' own accuracy may be given up for production's
FORGOTTEN_SHARE = 0.01


@dataclass(frozen=True)
class Compared:
    """Two versions on the same held-out rows."""

    rows: int
    served: int
    """How many the served version has right."""
    candidate: int
    gained: int
    """How many the candidate alone has right."""
    lost: int
    """How many the served version alone has right."""

    @property
    def chance(self) -> float:
        """How probable such a gain, or a greater one, is if both are equally good: a one-sided sign test."""
        differ = self.gained + self.lost
        return sum(math.comb(differ, k) for k in range(self.gained, differ + 1)) / float(2**differ)


@dataclass(frozen=True)
class Verdict:
    """Whether to install the candidate, and why."""

    better: bool
    reason: str


def compared(served: Right, candidate: Right) -> Compared:
    """Compare which rows each version has right, both of shape [n]."""
    return Compared(
        rows=len(served),
        served=int(served.sum()),
        candidate=int(candidate.sum()),
        gained=int((candidate & ~served).sum()),
        lost=int((served & ~candidate).sum()),
    )


def verdict(digits: Compared, production: Compared, least_rows: int) -> Verdict:
    """Better is: more right of production's held-out images, without forgetting the digits.

    Args:
        digits: on the data set's held-out digits.
        production: on the held-out labelled images.
        least_rows: with fewer held-out labelled images nothing is said.
    """
    counts = (
        f"{production.candidate} of {production.rows} held-out images of production right, before {production.served}"
    )
    if production.rows < least_rows:
        return Verdict(
            better=False,
            reason=f"{production.rows} labelled images are held out, and it takes {least_rows} to tell: label more",
        )
    if digits.lost - digits.gained > FORGOTTEN_SHARE * digits.rows:
        return Verdict(
            better=False,
            reason=f"it forgets: {digits.candidate} of {digits.rows} held-out digits right, before {digits.served}",
        )
    if production.candidate <= production.served:
        return Verdict(better=False, reason=f"no better: {counts}")
    return Verdict(better=True, reason=f"better: {counts} (chance alone: {production.chance:.2g})")
