import hashlib
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import _CalibratedClassifier


def fingerprint(estimator: BaseEstimator) -> str:
    """Hash what an estimator was told and what it learnt, as hexadecimal SHA-256.

    Two fits with the same outcome have the same fingerprint, unlike their files, which hold object ids and times.

    Raises:
        TypeError: the estimator holds something whose content cannot be told, such as a function.
    """
    digest = hashlib.sha256()
    _add(digest, estimator)
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", value: Any) -> None:
    # Each part is preceded by its type and length, so that no two different contents read as the same bytes.
    match value:
        case np.ndarray():
            digest.update(f"array {value.dtype.str} {value.shape} ".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        case BaseEstimator() | _CalibratedClassifier():
            digest.update(f"estimator {type(value).__name__} ".encode())
            _add(digest, vars(value))
        case dict():
            digest.update(f"dict {len(value)} ".encode())
            for key in sorted(value):
                _add(digest, key)
                _add(digest, value[key])
        case list() | tuple():
            digest.update(f"sequence {len(value)} ".encode())
            for item in value:
                _add(digest, item)
        case np.generic():
            _add(digest, value.item())
        case slice():
            digest.update(b"slice ")
            _add(digest, (value.start, value.stop, value.step))
        case np.dtype():
            _add(digest, str(value))
        case None | bool() | int() | float() | str() | type():
            text = f"{type(value).__name__} {value!r}"
            digest.update(f"{len(text)} {text} ".encode())
        case _:
            raise TypeError(f"no fingerprint of a {type(value).__name__}")
