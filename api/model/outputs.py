"""From an estimator's answer to the outputs of a description."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from api.model.datatypes import FLOATS, INTEGERS
from api.model.description import Band, Output

Rows = npt.NDArray[np.float64]
Answers = Mapping[str, npt.NDArray[Any]]
"""One array of shape [n] an output, by name: of numbers, or for an output of datatype BYTES of Python's strings."""

DTYPES: dict[str, type[np.generic]] = {**INTEGERS, **FLOATS}


class Estimator(Protocol):
    """Whatever was fitted: a scikit-learn pipeline or anything that predicts alike.

    An output of a probability needs `predict_proba` and `classes_` besides, as scikit-learn's classifiers have.
    """

    def predict(self, rows: Rows) -> npt.NDArray[Any]:
        """Of shape [n, features] to shape [n]."""


class OutputReader:
    """Asks an estimator for what the outputs need, each method once, and tells each output from it."""

    def __init__(self, outputs: Sequence[Output], estimator: Estimator) -> None:
        """Look at what each output needs.

        Raises:
            ValueError: an output cannot be had of this estimator, or its bands do not ascend.
        """
        self._outputs = tuple(outputs)
        self._estimator: Any = estimator
        self._column = {o.name: self._column_of(o) for o in outputs if o.probability_of is not None}
        self._greatest = {o.name for o in outputs if o.greatest_probability}
        if self._greatest and not hasattr(estimator, "predict_proba"):
            raise ValueError(f"output '{min(self._greatest)}': the estimator has no probabilities")
        self._bands = {o.name: _lookup(o.bands) for o in outputs if o.bands}
        for output in outputs:
            if (output.datatype == "BYTES") != bool(output.bands) or (output.bands and output.name not in self._column):
                raise ValueError(f"output '{output.name}': BYTES is for bands of a probability, and bands for BYTES")
            if not output.bands and output.datatype not in DTYPES:
                raise ValueError(f"output '{output.name}': datatype '{output.datatype}' is unknown")
            if output.name in self._greatest and (output.name in self._column or output.classes):
                raise ValueError(f"output '{output.name}': the greatest probability is of no class in particular")

    def read(self, rows: Rows) -> Answers:
        """Each output of the rows, shape [n, features]; raises what the estimator raises."""
        of_probabilities = self._column.keys() | self._greatest
        predicted: Any = None if len(of_probabilities) == len(self._outputs) else self._estimator.predict(rows)
        probabilities: Any = self._estimator.predict_proba(rows) if of_probabilities else None
        answers: dict[str, npt.NDArray[Any]] = {}
        for output in self._outputs:
            column = self._column.get(output.name)
            if output.name in self._greatest:
                values = probabilities.max(axis=1)
            else:
                values = predicted if column is None else probabilities[:, column]
            band = self._bands.get(output.name)
            answers[output.name] = np.asarray(values, DTYPES[output.datatype]) if band is None else band(values)
        return answers

    def _column_of(self, output: Output) -> int:
        classes = getattr(self._estimator, "classes_", None)
        if classes is None or output.probability_of not in list(classes):
            raise ValueError(f"output '{output.name}': the estimator has no probability of {output.probability_of}")
        return list(classes).index(output.probability_of)


def _lookup(bands: Sequence[Band]) -> Callable[[Rows], npt.NDArray[np.object_]]:
    ends = [band.below for band in bands[:-1]]
    if bands[-1].below is not None or None in ends or ends != sorted(set(ends), key=lambda end: end or 0.0):
        raise ValueError("the bands must ascend, and the last alone has no end")
    edges = np.array(ends, dtype=np.float64)
    names = np.array([band.name for band in bands], dtype=object)

    def named(probabilities: Rows) -> npt.NDArray[np.object_]:
        return names[np.searchsorted(edges, probabilities, side="right")]

    return named
