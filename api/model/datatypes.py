"""The tensor datatypes of the Open Inference Protocol that hold numbers, and numpy's name for each.

Source: https://github.com/kserve/open-inference-protocol, "Tensor Data Types".
"""

from typing import Any

import numpy as np

INTEGERS: dict[str, type[np.integer[Any]]] = {
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
}
FLOATS: dict[str, type[np.floating[Any]]] = {"FP32": np.float32, "FP64": np.float64}
