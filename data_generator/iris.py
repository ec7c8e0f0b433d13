"""Random rows of the iris data set (R. A. Fisher, 1936), with drift if asked for.

`iris.csv` holds its 150 flowers as scikit-learn's `load_iris` gives them: four lengths in centimetres and the species
(0 setosa, 1 versicolor, 2 virginica). scikit-learn is under the BSD 3-Clause licence; the measurements come from R. A.
Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936).
"""

import csv
import random
import statistics
from importlib import resources

from data_generator.drift import shift
from data_generator.rows import Column, Columns

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def read_flowers() -> list[tuple[float, float, float, float, int]]:
    """All 150 flowers: the four features in the order of `FEATURES`, in centimetres, then the species."""
    text = (resources.files("data_generator") / "iris.csv").read_text(encoding="utf-8")
    sepal_length, sepal_width, petal_length, petal_width = FEATURES
    return [
        (
            float(row[sepal_length]),
            float(row[sepal_width]),
            float(row[petal_length]),
            float(row[petal_width]),
            int(row["target"]),
        )
        for row in csv.DictReader(text.splitlines())
    ]


class IrisRows:
    """Draws flowers with replacement, each as likely as any other."""

    table = "iris_data"

    def __init__(self, seed: int | None = None, drift_per_minute: float = 0.0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - sample data, no secret depends on it
        self._drift_per_minute = drift_per_minute
        self._flowers = read_flowers()
        columns = list(zip(*self._flowers, strict=True))[: len(FEATURES)]
        self._deviations = [statistics.pstdev(column) for column in columns]

    def take(self, count: int, elapsed_seconds: float) -> Columns:
        """Draw `count` flowers; each feature is shifted as `drift.shift` says, the species stays the flower's own."""
        *features, species = zip(*self._random.choices(self._flowers, k=count), strict=True)
        if not self._drift_per_minute:
            return [*features, species]
        moved: list[Column] = [
            [value + shift(self._drift_per_minute, deviation, elapsed_seconds) for value in feature]
            for feature, deviation in zip(features, self._deviations, strict=True)
        ]
        return [*moved, species]
