from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from api.errors import MalformedRequestError, PredictionError, UnfitValueError
from api.model.datatypes import FLOATS, INTEGERS
from api.model.description import Description

Columns = Mapping[str, npt.NDArray[np.float64]]
Predictions = npt.NDArray[np.integer[Any] | np.floating[Any]]


class Estimator(Protocol):
    """Whatever was fitted: a scikit-learn pipeline or anything that predicts alike."""

    def predict(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
        """Of shape [n, features] to shape [n]."""


class Model:
    """One version of one model: what it is, and its predictions."""

    def __init__(self, description: Description, estimator: Estimator) -> None:
        self.description = description
        self._estimator = estimator
        self._features = tuple(feature.name for feature in description.features)
        self._dtype = (INTEGERS | FLOATS)[description.output.datatype]

    def predict(self, columns: Columns) -> Predictions:
        """Predict one value a row.

        Args:
            columns: one array of shape [n] a feature, by name, in the units of the description; n is at least 1.

        Returns:
            An array of shape [n] and of the output's datatype, in the order of the rows.

        Raises:
            MalformedRequestError: the columns are not the model's features, all of one length.
            UnfitValueError: a number is not finite, or so large that the computation overflows.
            PredictionError: the estimator raised.
        """
        rows = self._rows(columns)
        try:
            with np.errstate(over="raise", invalid="raise"):
                predictions = self._estimator.predict(rows)
        except FloatingPointError as error:
            raise self._largest(rows) from error
        # Whatever an estimator raises is its own failure: the rows have been checked.
        except Exception as error:
            name, version = self.description.name, self.description.version
            raise PredictionError(f"model '{name}' version '{version}' failed on {len(rows)} rows") from error
        return np.asarray(predictions, dtype=self._dtype)

    def _rows(self, columns: Columns) -> npt.NDArray[np.float64]:
        if columns.keys() != set(self._features):
            raise MalformedRequestError(f"the columns {sorted(columns)} are not the features {sorted(self._features)}")
        count = columns[self._features[0]].shape
        rows = np.empty((*count, len(self._features)))
        for position, feature in enumerate(self._features):
            column = columns[feature]
            if column.shape != count or len(count) != 1:
                raise MalformedRequestError(f"column '{feature}' has shape {list(column.shape)}, not {list(count)}")
            rows[:, position] = column
        finite = np.isfinite(rows)
        if not finite.all():
            row, position = divmod(int(np.argmin(finite)), len(self._features))
            raise UnfitValueError(self._features[position], row, "is not a finite number")
        return rows

    def _largest(self, rows: npt.NDArray[np.float64]) -> UnfitValueError:
        row, position = divmod(int(np.argmax(np.abs(rows))), len(self._features))
        return UnfitValueError(self._features[position], row, "is too large to compute with")
