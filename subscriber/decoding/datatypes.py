"""Python values -> what the model gets, by the datatypes of the Open Inference Protocol.

A point in time is, as a number, its Unix time in seconds (a date: of its midnight in UTC), a time of day its seconds
since midnight, a duration its seconds; as text, each in ISO 8601.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from subscriber.decoding.columns import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES: Final[dict[str, type]] = {"FP64": float, "FP32": float, "INT64": int, "INT32": int, "BOOL": bool, "BYTES": str}
RANGES: Final = {"INT64": 2**63, "INT32": 2**31}
SECOND: Final = timedelta(seconds=1)


def converter(datatype: str) -> Callable[[Any], Any]:
    """What makes a datatype's value of any Python value; it raises ValueError or OverflowError where there is none."""
    if datatype == "BYTES":
        return text
    if datatype == "BOOL":
        return boolean
    limit = RANGES.get(datatype)
    return real if limit is None else lambda value: _limited(integer(value), limit)


def real(value: Any) -> float:
    number = float(_number(value))
    if not math.isfinite(number):
        raise ValueError(f"{value} is no number that JSON can carry")
    return number


def integer(value: Any) -> int:
    number = _number(value)
    if isinstance(value, datetime | date | time | timedelta):
        return math.floor(number)
    whole = int(number)
    if whole != number:
        raise ValueError(f"{value} is not a whole number")
    return whole


def boolean(value: Any) -> bool:
    if isinstance(value, bool) or (isinstance(value, int) and value in (0, 1)):
        return bool(value)
    raise ValueError(f"{_excerpt(value)} is neither true nor false")


def text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        seconds = Decimal(value // timedelta(microseconds=1)).scaleb(-6)
        return f"PT{seconds.normalize():f}S"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return msgspec.json.encode(value).decode()


def _number(value: Any) -> int | float | Decimal:
    if isinstance(value, int | float | Decimal):
        return value
    if isinstance(value, str):
        return _number_in(value)
    if isinstance(value, datetime):
        return (aware(value) - EPOCH) / SECOND
    if isinstance(value, date):
        return (value - EPOCH.date()).days * 86_400
    if isinstance(value, time):
        return (datetime.combine(datetime.min, value.replace(tzinfo=None)) - datetime.min) / SECOND
    if isinstance(value, timedelta):
        return value / SECOND
    raise ValueError(f"{_excerpt(value)} is not a number")


def _number_in(value: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    try:
        # messages without a schema do not say that a text is a time
        return (aware(datetime.fromisoformat(value)) - EPOCH) / SECOND
    except ValueError:
        raise ValueError(f"{_excerpt(value)} is not a number") from None


def aware(value: datetime) -> datetime:
    """A time without a zone is one in UTC."""
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _limited(value: int, limit: int) -> int:
    if not -limit <= value < limit:
        raise OverflowError(f"{value} is too large an integer")
    return value


def _excerpt(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 80 else f"{said[:79]}…"  # noqa: PLR2004
