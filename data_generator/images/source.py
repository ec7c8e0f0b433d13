"""Random images of digits, some of them hard to read if that is asked for."""

import math
from dataclasses import dataclass, replace

import numpy as np

from data_generator.images.digits import read_digits
from data_generator.images.drawing import Format, Look, draw

SMALLEST_SIDE, LARGEST_SIDE = 16, 320
# the paper on each side, as a share of the digit's
WIDEST_MARGIN = 0.5
ROTATION_DEGREES = (15.0, 35.0)
NOISE = (0.1, 0.25)


@dataclass(frozen=True)
class DigitImage:
    """An image to send, and what it shows."""

    data: bytes
    format: Format
    meant: int
    """From 0 to 9."""


class DigitImages:
    """Draws digits with replacement, each as likely as any other, in files of every kind and size.

    Of a share of them, `drift`, each is rotated by 15 to 35 degrees either way, or noisy, or both; half of these are
    bright on dark.
    """

    def __init__(self, seed: int | None = None, drift: float = 0.0) -> None:
        self._random = np.random.default_rng(seed)
        self._drift = drift
        self._digits = read_digits()

    def take(self, count: int, _elapsed_seconds: float = 0.0) -> list[DigitImage]:
        """Draw `count` images; how long the run has lasted does not matter."""
        return [self._draw() for _ in range(count)]

    def _draw(self) -> DigitImage:
        digit = self._digits[self._random.integers(len(self._digits))]
        look = self._look()
        # drawn whether it is needed or not: the same seed gives the same digits at any drift
        drifts, drifted = self._random.random() < self._drift, self._drifted(look)
        if drifts:
            look = drifted
        return DigitImage(draw(digit.pixels, look, self._random.spawn(1)[0]), look.format, digit.meant)

    def _look(self) -> Look:
        side = round(math.exp(self._random.uniform(math.log(SMALLEST_SIDE), math.log(LARGEST_SIDE))))
        left, top, right, bottom = (round(side * share) for share in self._random.uniform(0, WIDEST_MARGIN, 4))
        kind = list(Format)[self._random.integers(len(Format))]
        return Look(kind, side, left, top, right, bottom, colour=self._even())

    def _even(self) -> bool:
        return bool(self._random.integers(2))

    def _drifted(self, look: Look) -> Look:
        rotated, noisy = ((True, False), (False, True), (True, True))[self._random.integers(3)]
        degrees = self._random.uniform(*ROTATION_DEGREES) * self._random.choice((-1, 1))
        noise = self._random.uniform(*NOISE)
        return replace(
            look,
            rotation_degrees=degrees if rotated else 0.0,
            noise=noise if noisy else 0.0,
            inverted=self._even(),
        )
