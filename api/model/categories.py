"""Text features as numbers: a category is its index among the feature's categories."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from api.errors import UnfitValueError
from api.model.description import Feature

SHOWN = 60


def indices(feature: Feature, values: Sequence[str]) -> npt.NDArray[np.float64]:
    """The index of each value's category, shape [n].

    Raises:
        UnfitValueError: a value is none of the feature's categories.
    """
    index = {category: float(position) for position, category in enumerate(feature.categories)}
    try:
        return np.array([index[value] for value in values], dtype=np.float64)
    except KeyError:
        row = next(row for row, value in enumerate(values) if value not in index)
    value = values[row] if len(values[row]) <= SHOWN else values[row][:SHOWN] + "…"
    known = ", ".join(f"'{category}'" for category in feature.categories)
    raise UnfitValueError(feature.name, row, f"is '{value}', it must be one of {known}")
