"""Each datatype has a column type that takes all of it; narrower ones are known as such."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.column_types import OUTPUTS, WIDER, fits, key_type, output_type
from subscriber.decoding.columns import Field


@pytest.mark.parametrize(
    ("datatype", "type_"),
    [
        ("FP64", "double precision"),
        ("FP32", "real"),
        ("INT64", "bigint"),
        ("INT32", "integer"),
        ("BOOL", "boolean"),
        ("BYTES", "text"),
        ("UINT8", "smallint"),
        ("UINT64", "numeric(20)"),
        ("a word of one server", "text"),
    ],
)
def test_an_output_gets_the_type_that_holds_it(datatype: str, type_: str) -> None:
    assert output_type(datatype) == type_
    assert output_type(datatype, 3) == f"{type_}[]"


@given(datatype=st.sampled_from(sorted(OUTPUTS)), width=st.integers(1, 5))
def test_what_is_made_fits(datatype: str, width: int) -> None:
    assert fits(output_type(datatype, width), output_type(datatype, width)) is True


@given(wanted=st.sampled_from(sorted(WIDER)), found=st.sampled_from(sorted(WIDER)))
def test_an_array_and_a_single_value_never_fit(wanted: str, found: str) -> None:
    assert fits(f"{wanted}[]", found) is False
    assert fits(wanted, f"{found}[]") is False
    assert fits(f"{wanted}[]", f"{found}[]") is fits(wanted, found)


@pytest.mark.parametrize(
    ("wanted", "found", "fit"),
    [
        ("bigint", "integer", None),
        ("integer", "bigint", True),
        ("bigint", "numeric(10,2)", True),
        ("bigint", "text", False),
        ("bigint", "boolean", False),
        ("double precision", "real", None),
        ("real", "double precision", True),
        ("double precision", "bigint", False),
        ("text", "character varying", True),
        ("text", "character varying(20)", None),
        ("text", "jsonb", None),
        ("boolean", "integer", False),
        ("timestamp with time zone", "timestamp without time zone", None),
        ("timestamp with time zone", "timestamp(3) with time zone", True),
        ("timestamp with time zone", "bigint", False),
        ("uuid", "text", True),
        ("text", "a_type_of_their_own", False),
    ],
)
def test_what_a_column_takes(wanted: str, found: str, fit: bool | None) -> None:
    assert fits(wanted, found) is fit


@pytest.mark.parametrize(
    ("field", "type_"),
    [
        (Field("int16"), "smallint"),
        (Field("int32"), "integer"),
        (Field("int64"), "bigint"),
        (Field("string"), "text"),
        (Field("string", name="io.debezium.data.Uuid"), "uuid"),
        (Field("int64", name="io.debezium.time.MicroTimestamp"), "text"),
    ],
)
def test_a_key_gets_the_type_of_its_schema(field: Field, type_: str) -> None:
    assert key_type(field) == type_


def test_without_a_schema_an_example_says_the_keys_type() -> None:
    assert key_type(None, 1) == "bigint"
    assert key_type(None, "a") == "text"
