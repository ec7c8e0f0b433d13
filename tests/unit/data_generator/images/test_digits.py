"""The generator's digits are the data set's own, and none that the model is measured on."""

import numpy as np
from sklearn.datasets import load_digits

from api.training.digits import training_and_held_out
from data_generator.images.digits import Digit, read_digits


def lines(digits: list[Digit]) -> list[tuple[int, ...]]:
    return [(digit.meant, *digit.pixels.ravel().tolist()) for digit in digits]


def test_they_are_the_digits_that_the_model_is_trained_on() -> None:
    training, held_out = training_and_held_out()

    ours = lines(read_digits())

    theirs = np.column_stack([training.classes, training.rows]).astype(int)
    assert sorted(ours) == sorted(map(tuple, theirs.tolist()))
    measured = np.column_stack([held_out.classes, held_out.rows]).astype(int)
    assert not set(ours) & set(map(tuple, measured.tolist()))


def test_they_are_in_the_order_of_the_data_set() -> None:
    data = load_digits()
    every = iter(map(tuple, np.column_stack([data.target, data.data]).astype(int).tolist()))

    assert all(line in every for line in lines(read_digits()))
