from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from api.errors import MalformedRequestError, PredictionError, UnfitValueError
from api.model.description import Description
from api.model.outputs import Answers, Estimator, OutputReader

Columns = Mapping[str, npt.NDArray[np.float64]]


class Model:
    """One version of one model: what it is, and its predictions."""

    def __init__(self, description: Description, estimator: Estimator) -> None:
        self.description = description
        self._reader = OutputReader(description.outputs, estimator)
        self._features = tuple(feature.name for feature in description.features)

    def predict(self, columns: Columns) -> Answers:
        """Predict each output of each row.

        Args:
            columns: one array of shape [n] a feature, by name, in the units of the description; of a text feature, the
                indices of the categories. n is at least 1.

        Returns:
            One array of shape [n] and of the output's datatype for each output, by name, in the order of the rows.

        Raises:
            MalformedRequestError: the columns are not the model's features, all of one length.
            UnfitValueError: a number is not finite, or so large that the computation overflows.
            PredictionError: the estimator raised.
        """
        rows = self._rows(columns)
        try:
            with np.errstate(over="raise", invalid="raise"):
                return self._reader.read(rows)
        except FloatingPointError as error:
            raise self._largest(rows) from error
        # Whatever an estimator raises is its own failure: the rows have been checked.
        except Exception as error:
            name, version = self.description.name, self.description.version
            raise PredictionError(f"model '{name}' version '{version}' failed on {len(rows)} rows") from error

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
