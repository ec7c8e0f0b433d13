"""Each type of Kafka Connect and Debezium becomes the value that Postgres held."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.decoding.columns import Field, column_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
datetimes = st.datetimes(timezones=st.just(UTC))
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6)


def read(value: Any, **schema: Any) -> Any:
    """What the value of such a field in a message's JSON becomes."""
    column = column_of(msgspec.convert({"field": "x", **schema}, Field))
    wire = msgspec.json.decode(json.dumps(value).encode(), type=column.wire)
    return wire if column.read is None else column.read(wire)


def unscaled(value: Decimal) -> tuple[str, int]:
    """A decimal as Connect writes it: base64 of the digits as an integer, and how many of them are behind the point."""
    sign, digits, exponent = value.as_tuple()
    number = int("".join(map(str, digits))) * (-1 if sign else 1)
    size = (number.bit_length() + 8) // 8
    return base64.b64encode(number.to_bytes(size, "big", signed=True)).decode(), -int(exponent)


@given(datetimes)
def test_timestamps(moment: datetime) -> None:
    micros = (moment - EPOCH) // MICROSECOND
    millis = micros // 1000
    to_millis = EPOCH + timedelta(milliseconds=millis)

    assert read(micros, type="int64", name="io.debezium.time.MicroTimestamp") == moment
    assert read(micros * 1000 + 999, type="int64", name="io.debezium.time.NanoTimestamp") == moment
    assert read(millis, type="int64", name="io.debezium.time.Timestamp") == to_millis
    assert read(millis, type="int64", name="org.apache.kafka.connect.data.Timestamp") == to_millis
    iso = moment.isoformat().replace("+00:00", "Z")
    assert read(iso, type="string", name="io.debezium.time.ZonedTimestamp") == moment


@given(st.dates())
def test_dates(day: date) -> None:
    days = (day - EPOCH.date()).days

    assert read(days, type="int32", name="io.debezium.time.Date") == day
    assert read(days, type="int32", name="org.apache.kafka.connect.data.Date") == day


@given(st.times())
def test_times_of_day(moment: time) -> None:
    micros = (datetime.combine(datetime.min, moment) - datetime.min) // MICROSECOND

    assert read(micros, type="int64", name="io.debezium.time.MicroTime") == moment
    assert read(micros * 1000, type="int64", name="io.debezium.time.NanoTime") == moment
    in_millis = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert read(micros // 1000, type="int32", name="io.debezium.time.Time") == in_millis


@given(st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)))
def test_durations(duration: timedelta) -> None:
    assert read(duration // MICROSECOND, type="int64", name="io.debezium.time.MicroDuration") == duration


@given(decimals)
def test_decimals(value: Decimal) -> None:
    digits, scale = unscaled(value)
    name = "org.apache.kafka.connect.data.Decimal"

    assert read(digits, type="bytes", name=name, parameters={"scale": str(scale)}) == value
    assert read({"scale": scale, "value": digits}, type="struct", name="io.debezium.data.VariableScaleDecimal") == value


@pytest.mark.parametrize("value", [0, 12, 1.5, -0.25])
def test_decimals_that_the_converter_writes_as_numbers(value: float) -> None:
    name = "org.apache.kafka.connect.data.Decimal"

    assert read(value, type="bytes", name=name, parameters={"scale": "2"}) == Decimal(str(value))


@given(st.lists(st.none() | st.dates()))
def test_arrays_hold_what_their_items_are(days: list[date | None]) -> None:
    items = {"type": "int32", "name": "io.debezium.time.Date", "optional": True}
    numbers = [None if day is None else (day - EPOCH.date()).days for day in days]

    assert read(numbers, type="array", items=items) == days


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        ("int32", "io.debezium.time.Date", 2**31 - 1),
        ("int64", "io.debezium.time.MicroTimestamp", 2**63 - 1),
        ("int64", "io.debezium.time.MicroTimestamp", -(2**63)),
        ("int64", "io.debezium.time.MicroTime", 86_400_000_000),
        ("string", "io.debezium.time.ZonedTimestamp", "infinity"),
        ("struct", "io.debezium.data.VariableScaleDecimal", {"scale": 1}),
        ("struct", "io.debezium.data.VariableScaleDecimal", {"scale": 1, "value": "?"}),
        ("bytes", "org.apache.kafka.connect.data.Decimal", "?"),
    ],
)
def test_what_no_python_value_can_say_is_an_error_and_no_other_value(type_: str, name: str, value: Any) -> None:
    with pytest.raises((ValueError, OverflowError)):
        read(value, type=type_, name=name)
