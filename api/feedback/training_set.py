"""Labelled images of production as rows, in two: those to train on, and those to measure on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from api.feedback.split import held_out
from api.training.digits import PIXELS, LabelledDigits

Rows = npt.NDArray[np.float64]

# two pictures whose cells, from 0 to 16, differ by no more than this are one picture, sent twice
COPY_DIFFERENCE = 1.0


@dataclass(frozen=True)
class LabelledImage:
    """An image, its 64 cells from 0 to 16, and what is in it."""

    prediction_id: str
    cells: Rows
    label: int


@dataclass(frozen=True)
class TrainingSet:
    """Production's part of the training, and the held-out part; `copies` were left out of the training."""

    training: LabelledDigits
    held_out: LabelledDigits
    copies: int


def training_set(images: Sequence[LabelledImage], held_out_digits: LabelledDigits) -> TrainingSet:
    """Divide images by their ids.

    A copy of what is measured on, be it another image of production or a digit of the data set, is not trained on: a
    model that has seen the answer would look better than it is. The order is that of the ids, so that the outcome is
    the same each time.
    """
    ordered = sorted(images, key=lambda one: one.prediction_id)
    measured = _digits([one for one in ordered if held_out(one.prediction_id)])
    others = _digits([one for one in ordered if not held_out(one.prediction_id)])
    copied = _copies(others.rows, np.concatenate([measured.rows, held_out_digits.rows]))
    return TrainingSet(LabelledDigits(others.rows[~copied], others.classes[~copied]), measured, int(copied.sum()))


def _digits(images: Sequence[LabelledImage]) -> LabelledDigits:
    rows = np.array([one.cells for one in images], dtype=np.float64).reshape(-1, PIXELS)
    return LabelledDigits(rows, np.array([one.label for one in images], dtype=np.int64))


def _copies(rows: Rows, measured: Rows) -> npt.NDArray[np.bool_]:
    """Which rows, shape [n, 64], are copies of a row that is measured on, shape [m, 64]."""
    # row by row: all differences at once would be n times m times 64 numbers
    return np.array(
        [bool((np.abs(measured - row).max(axis=1) <= COPY_DIFFERENCE).any()) for row in rows], dtype=np.bool_
    )
