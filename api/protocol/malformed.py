"""Why a body is not JSON, told so that its sender can find the place."""

import json
import math
from typing import Any

from api.errors import MalformedRequestError, UnfitValueError


def explain(body: bytes, complaint: str) -> MalformedRequestError | UnfitValueError:
    """Tell what is wrong with a body that JSON's grammar refuses.

    Many writers put NaN and Infinity where JSON has no such number: if that is all, the tensor and index are named.

    Args:
        body: the request's body.
        complaint: what the decoder said of it.
    """
    try:
        lenient = json.loads(body.decode())
    # Beside plain errors: bytes that are not UTF-8, integers of thousands of digits, and thousands of nested brackets.
    except (ValueError, RecursionError):
        return MalformedRequestError(f"the body is not JSON: {complaint}")
    if isinstance(lenient, dict) and isinstance(lenient.get("inputs"), list):
        for tensor in lenient["inputs"]:
            if isinstance(tensor, dict) and isinstance(tensor.get("data"), list):
                index = _first_not_finite(tensor["data"])
                if index is not None:
                    return UnfitValueError(str(tensor.get("name")), index, "is NaN or infinite, which JSON cannot hold")
    return MalformedRequestError(f"the body is not JSON: {complaint}")


def _first_not_finite(data: list[Any]) -> int | None:
    index = 0
    for item in data:
        for value in item if isinstance(item, list) else [item]:
            if isinstance(value, float) and not math.isfinite(value):
                return index
            index += 1
    return None
