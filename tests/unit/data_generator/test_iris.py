"""Rows are the real flowers; drift moves their means by exactly what the option says."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from data_generator.drift import shift
from data_generator.iris import IrisRows, read_flowers


def test_the_file_is_the_data_set() -> None:
    iris = load_iris()

    assert [flower[:4] for flower in read_flowers()] == [tuple(row) for row in iris.data.tolist()]
    assert [flower[4] for flower in read_flowers()] == iris.target.tolist()


@given(count=st.integers(1, 200), seed=st.integers())
def test_every_row_is_a_flower(count: int, seed: int) -> None:
    columns = IrisRows(seed).take(count, elapsed_seconds=1000.0)

    assert [len(column) for column in columns] == [count] * 5
    assert set(zip(*columns, strict=True)) <= set(read_flowers())


def test_a_seed_repeats_the_rows() -> None:
    assert IrisRows(7).take(50, 0.0) == IrisRows(7).take(50, 0.0)
    assert IrisRows(7).take(50, 0.0) != IrisRows(8).take(50, 0.0)


@given(per_minute=st.floats(-10, 10), minutes=st.floats(0, 100))
def test_drift_is_linear_in_time(per_minute: float, minutes: float) -> None:
    assert shift(per_minute, 0.8, minutes * 60.0) == pytest.approx(per_minute * 0.8 * minutes)


def test_drift_moves_the_features_and_leaves_the_species() -> None:
    # given the same draw without drift, and with one deviation a minute
    *still, species = IrisRows(1).take(500, elapsed_seconds=120.0)
    *moved, moved_species = IrisRows(1, drift_per_minute=1.0).take(500, elapsed_seconds=120.0)

    # then after two minutes each feature is two of its deviations higher
    for feature in range(4):
        deviation = statistics.pstdev(flower[feature] for flower in read_flowers())
        for before, after in zip(still[feature], moved[feature], strict=True):
            assert isinstance(before, float)
            assert after == pytest.approx(before + 2 * deviation)
    assert moved_species == species
