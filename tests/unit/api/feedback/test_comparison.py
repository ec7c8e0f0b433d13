"""When a candidate is better, and what it was trained on and measured on."""

from __future__ import annotations

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feedback.comparison import Compared, compared, verdict
from api.feedback.split import HELD_OUT_SHARE, held_out
from api.feedback.training_set import LabelledImage, training_set
from api.training.digits import training_and_held_out


def fared(rows: int, served: int, gained: int, lost: int) -> Compared:
    return Compared(rows, served, served + gained - lost, gained, lost)


SAME = fared(450, 440, 0, 0)


@pytest.mark.parametrize(
    ("digits", "production", "better", "words"),
    [
        (SAME, fared(20, 10, 5, 1), True, "14 of 20 held-out images of production right, before 10"),
        (SAME, fared(20, 10, 3, 3), False, "no better: 10 of 20"),
        (SAME, fared(20, 10, 0, 1), False, "no better"),
        (SAME, fared(9, 2, 7, 0), False, "9 labelled images are held out, and it takes 10"),
        (fared(450, 440, 0, 4), fared(20, 10, 5, 1), True, "better"),
        (fared(450, 440, 1, 6), fared(20, 10, 5, 1), False, "it forgets: 435 of 450 held-out digits right, before 440"),
    ],
)
def test_better_is_more_of_production_without_forgetting_the_digits(
    digits: Compared, production: Compared, better: bool, words: str
) -> None:
    found = verdict(digits, production, 10)

    assert found.better is better
    assert words in found.reason


def test_two_versions_are_compared_row_by_row() -> None:
    served, candidate = np.array([True, True, False, False]), np.array([True, False, True, True])

    assert compared(served, candidate) == Compared(rows=4, served=2, candidate=3, gained=2, lost=1)
    # of three rows that differ two or three: (3 + 1) / 8
    assert compared(served, candidate).chance == 0.5
    assert compared(served, served).chance == 1.0


@given(st.integers(0, 2**128 - 1))
def test_an_image_is_held_out_for_ever_or_never(number: int) -> None:
    prediction_id = str(uuid.UUID(int=number))

    assert held_out(prediction_id) == held_out(prediction_id)


def test_about_a_quarter_of_ids_that_differ_by_little_is_held_out() -> None:
    share = sum(held_out(str(uuid.UUID(int=number))) for number in range(10_000)) / 10_000

    assert share == pytest.approx(HELD_OUT_SHARE, abs=0.02)


def ids(count: int, *, measured: bool) -> list[str]:
    every = (str(uuid.UUID(int=number)) for number in range(10_000))
    return [one for one in every if held_out(one) is measured][:count]


def test_what_is_measured_on_is_never_trained_on() -> None:
    _, digits = training_and_held_out()
    draw = np.random.default_rng(1)
    cells = [draw.uniform(0, 16, 64) for _ in range(7)]
    images = [
        *(LabelledImage(one, cells[i], i) for i, one in enumerate(ids(3, measured=True))),
        *(LabelledImage(one, cells[3 + i], i) for i, one in enumerate(ids(4, measured=False))),
        # the same pictures again, under ids that would be trained on: of production, and of the data set
        LabelledImage(ids(10, measured=False)[8], cells[0] + 0.9, 0),
        LabelledImage(ids(10, measured=False)[9], digits.rows[5] - 0.5, 5),
    ]

    found = training_set(images, digits)

    assert found.copies == 2
    assert found.held_out.rows.shape == (3, 64)
    assert np.array_equal(found.training.rows, np.array(cells[3:]))
    assert found.training.classes.tolist() == [0, 1, 2, 3]
    # in whatever order they are read
    again = training_set(images[::-1], digits)
    assert np.array_equal(again.training.rows, found.training.rows)


def test_without_images_the_parts_are_empty() -> None:
    found = training_set([], training_and_held_out()[1])

    assert (found.training.rows.shape, found.held_out.rows.shape, found.copies) == ((0, 64), (0, 64), 0)
