from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from api.model.description import Distribution

BINS = 10


def distribution(values: npt.NDArray[np.float64]) -> Distribution:
    """Bin one feature's training values, shape [n], by its deciles.

    Deciles that coincide, as they do when many rows share a value, give one edge: there may be fewer than ten bins.
    """
    deciles = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    edges = np.unique(deciles)
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    return Distribution(
        minimum=float(values.min()),
        maximum=float(values.max()),
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )


def class_counts(classes: npt.NDArray[np.integer[Any]]) -> dict[str, int]:
    """Count the training rows of each class, shape [n], by the class's number."""
    values, counts = np.unique(classes, return_counts=True)
    return {str(value): int(count) for value, count in zip(values, counts, strict=True)}


def category_counts(values: Sequence[str], categories: Sequence[str]) -> dict[str, int]:
    """Count the training rows of each category; one without a row has 0."""
    counts = Counter(values)
    return {category: counts[category] for category in categories}
