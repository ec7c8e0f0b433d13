"""From a picture of a digit to the 64 numbers that the digits model takes.

The model learnt of digits that were cut out, fitted to a square of 32 by 32 points and counted in cells of 4 by 4, so
that each reaches from the top of its square to the bottom. A digit in any other picture is cut out likewise.
Source: E. Alpaydin and C. Kaynak, "Cascading Classifiers", Kybernetika 34, 1998.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from api.images.errors import BlankImageError

Ink = npt.NDArray[np.float64]
"""How much ink each point has, shape [height, width], 0 for none."""

CELLS = 8
FULL = 16.0
"""The value of a cell that is all ink."""
WORKING_SIDE = 256
"""A larger picture is made smaller first, about to this."""
LEAST_CONTRAST = 16.0
"""Of 255: what differs less from the background is no ink."""
FAINT = 0.1
"""Of the most ink: what has less is no part of the digit, but of a blurred or compressed edge."""
NOISE_DEVIATIONS = 5.0
"""What is nearer to the background than this many deviations of its noise is no part of the digit either."""
MOST_FAINT = 0.5
"""However noisy the background is, what has more ink than this is drawn."""
COARSE_SIDE, COARSE_FAINT = 32, 0.25
"""The points a side of the picture in which the digit is looked for first, and what is faint in it."""
RING = 2
"""How many of these points around the digit are looked at closely then."""
THIN, WIDE = 0.8, 1.4
"""In cells: no stroke of the data set is thinner than the first, most are about as wide as the second."""
CENTRE = 4.1
"""Where the data set has its digits, in cells from the left: the middle between a digit's box and its mass."""
FRAMED = 1 / 32
"""A digit is framed as those of the data set if it is this close to top and bottom, by the height of the picture."""


class Box(NamedTuple):
    """The smallest rectangle around the ink, in points; right and bottom are the first beyond it."""

    left: int
    top: int
    right: int
    bottom: int


class Square(NamedTuple):
    """A part of the picture, in points; it may reach beyond it."""

    left: float
    top: float
    side: float


def pixels(image: Image.Image) -> npt.NDArray[np.float64]:
    """The digit of a picture of mode L, RGB or RGBA as the data set has it: shape [64], row by row, 0 to 16 each.

    The digit may be dark on bright or bright on dark, of any size, anywhere in the picture.

    Raises:
        BlankImageError: the picture is of one colour, or nearly.
    """
    ink = _ink(_gray(image))
    ink, box = _thick_enough(ink, _box(ink))
    cells = _cells(ink, _whole_picture(ink, box) or _frame(ink, box))
    digit: npt.NDArray[np.float64] = (cells * (FULL / cells.max())).reshape(CELLS * CELLS)
    return digit


def _gray(image: Image.Image) -> Ink:
    """Brightness from 0 to 255, of at most about WORKING_SIDE points a side; what is transparent is background."""
    small = image.reduce(max(1, max(image.size) // WORKING_SIDE))
    if small.mode != "RGBA":
        return np.asarray(small.convert("L"), dtype=np.float64)
    opacity = np.asarray(small.getchannel("A"), dtype=np.float64) / 255
    gray = np.asarray(small.convert("RGB").convert("L"), dtype=np.float64)
    # white ink on nothing is seen on black, any other on white
    seen = opacity.sum()
    ground = 0.0 if seen and (gray * opacity).sum() / seen > 255 / 2 and opacity.min() < 1 else 255.0
    return gray * opacity + ground * (1 - opacity)


def _border(points: Ink) -> Ink:
    return np.concatenate([points[0], points[-1], points[1:-1, 0], points[1:-1, -1]])


def _ink(gray: Ink) -> Ink:
    """What differs from the background, which is what most of the border is."""
    ground = float(np.median(_border(gray)))
    darker, brighter = ground - gray.min(), gray.max() - ground
    if max(darker, brighter) < LEAST_CONTRAST:
        raise BlankImageError("nothing is drawn in the image: it is of one colour")
    return np.clip(ground - gray if darker > brighter else gray - ground, 0, None)


def _box(ink: Ink) -> Box:
    """Where the digit is: first in coarse, where noise is evened out, then to the point around there."""
    factor = max(1, max(ink.shape) // COARSE_SIDE)
    coarse = _around(np.asarray(Image.fromarray(ink.astype(np.float32)).reduce(factor), dtype=np.float64), COARSE_FAINT)
    left, top = (max(0, (start - RING) * factor) for start in (coarse.left, coarse.top))
    part = slice(top, (coarse.bottom + RING) * factor), slice(left, (coarse.right + RING) * factor)
    near = _around(ink[part], max(FAINT, min(_noise(ink, part) * NOISE_DEVIATIONS, MOST_FAINT)))
    return Box(left + near.left, top + near.top, left + near.right, top + near.bottom)


def _noise(ink: Ink, part: tuple[slice, slice]) -> float:
    """The deviation of the background beside a part of the picture, as a share of the most ink."""
    beside = np.ones(ink.shape, dtype=bool)
    beside[part] = False
    # what was below the background is no ink, so half of the noise is gone
    return float(np.sqrt(2 * np.mean(ink[beside] ** 2))) / float(ink.max()) if beside.any() else 0.0


def _around(ink: Ink, faint: float) -> Box:
    """The box around what has more than this share of the most ink."""
    drawn = ink > faint * ink.max()
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _thick_enough(ink: Ink, box: Box) -> tuple[Ink, Box]:
    """The same digit with strokes as wide as those of the data set, if they are thinner than any of these."""
    part = ink[box.top : box.bottom, box.left : box.right]
    cell = max(part.shape) / CELLS
    missing = WIDE - _stroke(part) / cell
    reach = round(missing * cell / 2)
    if missing < WIDE - THIN or reach < 1:
        return ink, box
    thick = np.pad(ink, reach)
    for axis in (0, 1):
        thick = np.maximum.reduce([np.roll(thick, shift, axis) for shift in range(-reach, reach + 1)])
    return thick, Box(box.left, box.top, box.right + 2 * reach, box.bottom + 2 * reach)


def _stroke(part: Ink) -> float:
    """The width of a digit's strokes in points: twice its area by its outline, whatever its darkness."""
    factor: int = max(1, round(max(part.shape) / (2 * CELLS)))
    coarse = np.asarray(Image.fromarray(part.astype(np.float32)).reduce(factor), dtype=np.float64)
    drawn = np.pad(np.where(coarse > COARSE_FAINT * coarse.max(), coarse, 0), 1)
    # an outline along a grid is longer than the curve by 4 / pi on average
    outline = float(np.abs(np.diff(drawn, axis=0)).sum() + np.abs(np.diff(drawn, axis=1)).sum()) * math.pi / 4
    return 2 * float(drawn.sum()) / outline * factor


def _whole_picture(ink: Ink, box: Box) -> Square | None:
    """The whole picture, if it is square and its digit reaches from top to bottom about where it is looked for."""
    height, width = ink.shape
    near = FRAMED * height
    if abs(width - height) > near or box.top > near or box.bottom < height - near:
        return None
    return Square(0.0, 0.0, float(height)) if abs(_frame(ink, box).left) < 1.5 * height / CELLS else None


def _frame(ink: Ink, box: Box) -> Square:
    """The square that has the digit as the data set has its own."""
    width, height = box.right - box.left, box.bottom - box.top
    side = float(max(width, height))
    cell = side / CELLS
    part = ink[box.top : box.bottom, box.left : box.right]
    mass = float(part.sum(axis=0) @ (np.arange(width) + 0.5)) / float(part.sum())
    middle = (width / 2 + mass) / 2 / cell
    before = np.clip(np.round(CENTRE - middle), 0, np.floor(CELLS - width / cell))
    return Square(box.left - float(before) * cell, box.top - (side - height) / 2, side)


def _cells(ink: Ink, square: Square) -> Ink:
    """The mean ink of each cell of the square, shape [8, 8]; there is none beyond the picture."""
    margin = int(np.ceil(square.side)) + 1
    padded = Image.fromarray(np.pad(ink, margin).astype(np.float32))
    left, top = square.left + margin, square.top + margin
    edges = (left, top, left + square.side, top + square.side)
    return np.asarray(padded.resize((CELLS, CELLS), Image.Resampling.BOX, edges), dtype=np.float64)
