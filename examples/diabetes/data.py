"""442 patients, as scikit-learn ships them.

Data: B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least Angle Regression", 2004.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_diabetes

# name and unit, in the order of the data set
FEATURES = {
    "age": "years",
    "sex": "1 or 2",
    "bmi": "kg/m²",
    "bp": "mm Hg",
    "tc": "mg/dl",
    "ldl": "mg/dl",
    "hdl": "mg/dl",
    "tch": "ratio",
    "ltg": "logarithm",
    "glu": "mg/dl",
}
TARGET = "progression"


def patients() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Features, shape [442, 10], as they were measured, and the progression a year later, shape [442]."""
    data: Any = load_diabetes(scaled=False)
    return data.data, data.target
