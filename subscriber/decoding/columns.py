"""The types of a column in a message -> Python values.

Sources: the JSON converter of Apache Kafka Connect; "Data type mappings" of Debezium's Postgres connector.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from subscriber.errors import BadRow

# what Debezium sends for a large value that an update did not touch and the log therefore does not carry
UNAVAILABLE: Final = "__debezium_unavailable_value"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_ZERO: Final = date(1970, 1, 1).toordinal()

Value = Any
Read = Callable[[Any], Value]


class Field(msgspec.Struct):
    """One field of a Kafka Connect schema in JSON."""

    type: str
    field: str = ""
    name: str | None = None
    optional: bool = False
    parameters: dict[str, str] = {}
    fields: list[Field] = []
    items: Field | None = None


@dataclass(frozen=True)
class Column:
    """How a column stands in the JSON, and what makes a Python value of it.

    `wire` is the type that the JSON value must have. `read` gives int, float, bool, str, Decimal, datetime, date, time,
    timedelta, list or dict, and raises ValueError or OverflowError for what is none; None means that the JSON value is
    the value. `unavailable` is how Debezium writes here that the log does not carry the value.
    """

    name: str
    wire: Any
    read: Read | None = None
    unavailable: Any = None


WIRES: Final[dict[str, type]] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), int),
    **dict.fromkeys(("float", "float32", "float64", "double"), float),
    "boolean": bool,
    "string": str,
    "bytes": str,
}


def column_of(field: Field) -> Column:
    """The column that a schema's field describes.

    Raises:
        BadRow: nothing has such a schema.
    """
    said = field.name or field.type
    wire: Any = WIRES.get(field.type, Any)
    if read := _NAMED.get(field.name or ""):
        return Column(said, wire, read)
    if field.name == "org.apache.kafka.connect.data.Decimal":
        try:
            scale = _scale(field.parameters.get("scale", "0"))
        except ValueError as error:
            raise BadRow("no_payload", f"the schema of column {field.field}: {error}") from error
        # `decimal.format` of the converter says base64 or number
        return Column(said, str | int | float, lambda v: _decimal(v, scale), UNAVAILABLE_BASE64)
    if field.name == "io.debezium.data.VariableScaleDecimal":
        return Column(said, dict[str, Any], _variable_decimal)
    if field.type == "array" and field.items is not None:
        return _array(said, column_of(field.items))
    unavailable = {"string": UNAVAILABLE, "bytes": UNAVAILABLE_BASE64}.get(field.type)
    return Column(said, wire, unavailable=unavailable)


def without_schema(unit: str | None) -> Column:
    """A column of a message that carries no schema: what JSON makes of it; numbers are times of `unit`, if given."""
    return Column("JSON", Any, (lambda v: _time_of(v, UNITS[unit])) if unit else None, UNAVAILABLE)


# ---- points in time: the number of a unit since 1970 in UTC

UNITS: Final = {"s": Decimal(1_000_000), "ms": Decimal(1000), "us": Decimal(1), "ns": Decimal("0.001")}


def _instant(microseconds: Callable[[int], int]) -> Read:
    return lambda v: EPOCH + timedelta(microseconds=microseconds(v))


def _time_of_day(microseconds: Callable[[int], int]) -> Read:
    # a day's end is 24:00 in Postgres, which no Python time is
    def read(value: int) -> time:
        of_day = microseconds(value)
        if not 0 <= of_day < 86_400_000_000:  # noqa: PLR2004 (a day)
            raise ValueError(f"{of_day} µs is no time of a day")
        return (datetime.min + timedelta(microseconds=of_day)).time()

    return read


def _time_of(value: Any, unit: Decimal) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return EPOCH + timedelta(microseconds=int(Decimal(value) * unit))


def _date(days: int) -> date:
    return date.fromordinal(DAY_ZERO + days)


_NAMED: Final[dict[str, Read]] = {
    "io.debezium.time.Date": _date,
    "org.apache.kafka.connect.data.Date": _date,
    "io.debezium.time.Timestamp": _instant(lambda v: v * 1000),
    "org.apache.kafka.connect.data.Timestamp": _instant(lambda v: v * 1000),
    "io.debezium.time.MicroTimestamp": _instant(lambda v: v),
    "io.debezium.time.NanoTimestamp": _instant(lambda v: v // 1000),
    "io.debezium.time.ZonedTimestamp": datetime.fromisoformat,
    "io.debezium.time.IsoTimestamp": datetime.fromisoformat,
    # its zone is UTC
    "io.debezium.time.IsoDate": lambda v: date.fromisoformat(v.removesuffix("Z")),
    "io.debezium.time.Time": _time_of_day(lambda v: v * 1000),
    "org.apache.kafka.connect.data.Time": _time_of_day(lambda v: v * 1000),
    "io.debezium.time.MicroTime": _time_of_day(lambda v: v),
    "io.debezium.time.NanoTime": _time_of_day(lambda v: v // 1000),
    "io.debezium.time.ZonedTime": time.fromisoformat,
    "io.debezium.time.IsoTime": time.fromisoformat,
    "io.debezium.time.MicroDuration": lambda v: timedelta(microseconds=v),
    "io.debezium.time.NanoDuration": lambda v: timedelta(microseconds=v // 1000),
}

# ---- decimals: an integer in two's complement, big end first, and how many of its digits are behind the point

UNAVAILABLE_BASE64: Final = base64.b64encode(UNAVAILABLE.encode()).decode()


# a number of more digits would take minutes and gigabytes to be written out; Postgres has none
MOST_SCALE: Final = 16_383


def _scale(said: Any) -> int:
    scale = int(said)
    if abs(scale) > MOST_SCALE:
        raise ValueError(f"a decimal has at most {MOST_SCALE} digits behind its point, not {scale}")
    return scale


def _decimal(value: str | float, scale: int) -> Decimal:
    if not isinstance(value, str):
        return Decimal(repr(value))
    return Decimal((*_sign_and_digits(value), -scale))


def _variable_decimal(value: dict[str, Any]) -> Decimal:
    try:
        return Decimal((*_sign_and_digits(value["value"]), -_scale(value["scale"])))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{value!r} is no decimal with its scale") from error


def _sign_and_digits(encoded: str) -> tuple[int, tuple[int, ...]]:
    unscaled = int.from_bytes(base64.b64decode(encoded, validate=True), "big", signed=True)
    return int(unscaled < 0), tuple(int(digit) for digit in str(abs(unscaled)))


# ---- arrays


def _array(said: str, item: Column) -> Column:
    read = item.read
    each = None if read is None else lambda values: [None if v is None else read(v) for v in values]
    # an array of integers that the log does not carry holds the bytes of the same words
    unavailable = [*UNAVAILABLE.encode()] if item.wire is int else [UNAVAILABLE]
    return Column(f"{said} of {item.name}", list[item.wire | None], each, unavailable)  # type: ignore[name-defined]
