"""Any value becomes what a datatype of the inference protocol can carry, or is refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.decoding.datatypes import TYPES, converter

MOMENT = datetime(2026, 1, 1, 12, 30, 0, 250_000, tzinfo=UTC)
values: st.SearchStrategy[Any] = (
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.decimals()
    | st.datetimes(timezones=st.just(UTC) | st.none())
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(), st.integers(), max_size=2)
)


@pytest.mark.parametrize(
    ("datatype", "value", "expected"),
    [
        ("FP64", 3, 3.0),
        ("FP64", True, 1.0),
        ("FP64", "12.50", 12.5),
        ("FP64", Decimal("12.50"), 12.5),
        ("FP64", MOMENT, MOMENT.timestamp()),
        ("FP64", MOMENT.replace(tzinfo=None), MOMENT.timestamp()),
        ("FP64", "2026-01-01T12:30:00.25Z", MOMENT.timestamp()),
        ("FP64", date(1970, 1, 2), 86_400.0),
        ("FP64", time(0, 1, 0, 500_000), 60.5),
        ("FP64", timedelta(minutes=1), 60.0),
        ("INT64", "7", 7),
        ("INT64", Decimal("7.00"), 7),
        ("INT64", 7.0, 7),
        ("INT64", False, 0),
        ("INT64", MOMENT, int(MOMENT.timestamp())),
        ("INT32", -(2**31), -(2**31)),
        ("BOOL", 1, True),
        ("BYTES", "text", "text"),
        ("BYTES", 7, "7"),
        ("BYTES", True, "true"),
        ("BYTES", Decimal("0.00000001"), "0.00000001"),
        ("BYTES", MOMENT, "2026-01-01T12:30:00.250000+00:00"),
        ("BYTES", date(2026, 1, 1), "2026-01-01"),
        ("BYTES", time(12, 30), "12:30:00"),
        ("BYTES", timedelta(seconds=90, microseconds=500_000), "PT90.5S"),
        ("BYTES", ["a", None], '["a",null]'),
        ("BYTES", {"a": 1}, '{"a":1}'),
    ],
)
def test_conversions(datatype: str, value: Any, expected: Any) -> None:
    converted = converter(datatype)(value)

    assert converted == expected
    assert type(converted) is TYPES[datatype]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("FP64", "many"),
        ("FP64", "NaN"),
        ("FP64", float("inf")),
        ("FP64", Decimal("NaN")),
        ("FP64", [1.0]),
        ("FP64", 10**400),
        ("INT64", 0.5),
        ("INT64", "0.5"),
        ("INT64", Decimal("0.1")),
        ("INT64", 2**63),
        ("INT32", 2**31),
        ("BOOL", "true"),
        ("BOOL", 2),
    ],
)
def test_refusals(datatype: str, value: Any) -> None:
    with pytest.raises((ValueError, OverflowError)):
        converter(datatype)(value)


@given(datatype=st.sampled_from(sorted(TYPES)), value=values)
def test_what_comes_out_is_of_the_datatype_and_goes_into_json(datatype: str, value: Any) -> None:
    try:
        converted = converter(datatype)(value)
    except (ValueError, OverflowError, ArithmeticError):
        return
    assert type(converted) is TYPES[datatype]
    assert json.loads(json.dumps(converted, allow_nan=False)) == converted
