"""Handwritten digits (E. Alpaydin and C. Kaynak, 1998), as scikit-learn's `load_digits` gives them.

The 1,347 that the model is trained on: labelled images become training data, and those that a model is measured on must
never be among them.

`digits.txt` has a line a digit: what is meant, then its 8 x 8 pixels row by row, from 0 (paper) to g (16, ink).
Source: Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0.
"""

from importlib import resources
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SIDE = 8
INK = 16
BASE = INK + 1

Pixels = npt.NDArray[np.uint8]


class Digit(NamedTuple):
    """One digit of the data set."""

    meant: int
    """From 0 to 9: what the writer was asked to write."""
    pixels: Pixels
    """Shape [8, 8], from 0 (paper) to 16 (ink)."""


def read_digits() -> list[Digit]:
    """Every digit of `digits.txt`."""
    text = (resources.files("data_generator.images") / "digits.txt").read_text(encoding="ascii")
    return [
        Digit(int(meant), np.array([int(value, BASE) for value in pixels], dtype=np.uint8).reshape(SIDE, SIDE))
        for meant, pixels in (line.split() for line in text.splitlines())
    ]
