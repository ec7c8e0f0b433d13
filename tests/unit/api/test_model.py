from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from api.errors import MalformedRequestError, PredictionError, UnfitValueError
from api.model.description import Description
from api.model.model import Model

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def _columns(rows: int = 3) -> dict[str, npt.NDArray[np.float64]]:
    return {name: np.linspace(1, 5, rows) for name in FEATURES}


def _classes(model: Model, table: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return model.predict({name: table[:, i] for i, name in enumerate(FEATURES)})["iris_class"]


@given(st.lists(st.tuples(*[st.floats(0, 10)] * 4), min_size=1, max_size=30), st.randoms())
def test_a_row_is_predicted_alike_alone_and_in_any_order(
    model: Model, rows: list[tuple[float, ...]], random: Random
) -> None:
    # Given any rows, and the same shuffled
    order = list(range(len(rows)))
    random.shuffle(order)
    table = np.array(rows)

    # When both are predicted, and each row alone
    together = _classes(model, table)
    shuffled = _classes(model, table[order])
    alone = [int(_classes(model, table[r : r + 1])[0]) for r in range(len(rows))]

    # Then every row has the same class
    assert together.dtype == np.int64
    assert together.tolist() == alone
    assert shuffled.tolist() == together[order].tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_named(model: Model, value: float) -> None:
    columns = _columns()
    columns["petal_length"][2] = value
    with pytest.raises(UnfitValueError, match="tensor 'petal_length': the value at index 2 is not a finite number"):
        model.predict(columns)


def test_a_number_that_overflows_is_named(model: Model) -> None:
    columns = _columns()
    columns["petal_width"][1] = 1.7e308
    columns["sepal_width"][1] = -1.7e308
    with pytest.raises(UnfitValueError, match="at index 1 is too large to compute with"):
        model.predict(columns)


def test_columns_that_are_not_the_features_are_refused(model: Model) -> None:
    columns = _columns()
    del columns["petal_width"]
    with pytest.raises(MalformedRequestError, match="are not the features"):
        model.predict(columns)


def test_columns_of_different_length_are_refused(model: Model) -> None:
    columns = _columns() | {"petal_width": np.zeros(2)}
    with pytest.raises(MalformedRequestError, match=r"column 'petal_width' has shape \[2\], not \[3\]"):
        model.predict(columns)


def test_a_failing_estimator_is_the_models_fault(trained: tuple[Description, Pipeline]) -> None:
    # Given a model whose estimator raises
    class Failing:
        def predict(self, _rows: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
            raise ValueError("inner detail")

    # When it predicts, then the error names the model, and keeps the cause to itself
    with pytest.raises(PredictionError, match="failed on 3 rows") as caught:
        Model(trained[0], Failing()).predict(_columns())
    assert "inner detail" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)
