"""What a first pipeline file says of a topic and a model, and that it can be read."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriber.decoding.columns import Field
from subscriber.draft.guess import Input, guess
from subscriber.draft.names import columns_for, identifier, of_topic
from subscriber.draft.write import Names, pipeline_text, quoted
from subscriber.inference import TensorMetadata
from subscriber.pipeline import Pipeline
from subscriber.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

ROW = {"id": 1, "amount": "12.50", "items": 3, "paid": True, "label": "x", "created_at": "2026-01-01T00:00:00Z"}
FIELDS = [
    Field("int64", "id"),
    # as Debezium writes numeric with decimal.handling.mode=string
    Field("string", "amount"),
    Field("int32", "items"),
    Field("boolean", "paid"),
    Field("string", "label"),
    Field("string", "created_at", "io.debezium.time.ZonedTimestamp"),
]


def sample(fields: Sequence[Field] | None = FIELDS, keys: tuple[str, ...] = ("id",), **more: Any) -> Sample:
    return Sample([ROW | more], None if fields is None else {f.field: f for f in fields}, keys)


def tensor(name: str, datatype: str = "FP64", *shape: int) -> TensorMetadata:
    return TensorMetadata(name, datatype, list(shape) or [-1])


def test_inputs_are_found_by_their_names_in_any_spelling() -> None:
    found = guess(sample(), [tensor("Amount"), tensor("items", "INT32"), tensor("PAID", "BOOL", -1, 1)])

    assert found.inputs == [
        Input("amount", "Amount", "FP64"),
        Input("items", "items", "INT32"),
        Input("paid", "PAID", "BOOL"),
    ]
    assert (found.key, found.timestamp, found.matrix_tensor, list(found.doubts)) == ("id", "created_at", None, [])


def test_an_input_that_no_column_is_named_for_is_left_to_a_person() -> None:
    found = guess(sample(), [tensor("price"), tensor("items")])

    assert found.inputs[0] == Input(None, "price", "FP64")
    assert found.doubts == ["no column bears the name of the model's input price: name one"]


def test_a_model_that_lists_nothing_gets_every_number() -> None:
    found = guess(sample(), [])

    assert [(i.column, i.datatype) for i in found.inputs] == [("amount", "FP64"), ("items", "INT64")]
    assert found.doubts == ["the model lists no inputs: every column that is a number is a feature, edit that"]


@pytest.mark.parametrize(("shape", "doubts"), [((-1, 2), 0), ((-1, 4), 1), ((-1, -1), 1)])
def test_one_input_of_several_values_is_a_matrix_of_the_numbers(shape: tuple[int, ...], doubts: int) -> None:
    found = guess(sample(), [tensor("input", "FP32", *shape)])

    assert found.matrix_tensor == "input"
    assert [(i.column, i.datatype) for i in found.inputs] == [("amount", "FP32"), ("items", "FP32")]
    assert len(found.doubts) == doubts


def test_of_several_times_the_usual_one_is_taken_and_else_none() -> None:
    second = Field("int64", "updated_at", "io.debezium.time.MicroTimestamp")
    other = Field("int64", "shipped", "io.debezium.time.MicroTimestamp")
    odd = [f for f in FIELDS if f.field != "created_at"]

    assert guess(sample([*FIELDS, second, other]), []).timestamp == "created_at"
    assert guess(sample([*odd, second, other]), []).timestamp == "updated_at"
    none = guess(sample([*odd, other, Field("int64", "paid_at", "io.debezium.time.MicroTimestamp")]), [])
    assert none.timestamp is None
    assert "several columns tell a time (shipped, paid_at)" in " ".join(none.doubts)


def test_rows_without_a_schema_are_read_by_their_values() -> None:
    found = guess(sample(None, ()), [])

    assert (found.key, found.timestamp) == ("id", "created_at")
    assert [i.column for i in found.inputs] == ["amount", "items"]


@given(outputs=st.lists(st.text(), unique=True), taken=st.sets(st.sampled_from(["id", "timestamp", "class"])))
def test_each_output_gets_a_column_of_its_own_that_postgres_takes(outputs: list[str], taken: set[str]) -> None:
    columns = columns_for(outputs, taken)

    assert list(columns) == outputs
    assert len({*columns.values(), *taken}) == len(outputs) + len(taken)
    for column in columns.values():
        assert identifier(column) == column
        assert len(column) <= 63


def test_names_are_those_of_the_table() -> None:
    assert of_topic("postgres-source-iris_data") == "iris_data"
    assert of_topic("postgres-source-shop-orders") == "shop_orders"
    assert of_topic("7.Things") == "_7_things"
    assert columns_for(["timestamp", "p(yes)"], ["timestamp"]) == {"timestamp": "timestamp_output", "p(yes)": "p_yes"}


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_quoted(text: str) -> None:
    assert tomllib.loads(f"key = {quoted(text)}") == {"key": text}


@pytest.mark.parametrize("inputs", [[], [tensor("price", "INT8"), tensor("items")], [tensor("in put", "FP64", -1, 2)]])
@pytest.mark.parametrize("keys", [("id",), (), ("id", "label")])
def test_what_is_written_is_a_pipeline(inputs: list[TensorMetadata], keys: tuple[str, ...]) -> None:
    found = guess(sample(keys=keys), inputs)
    names = Names(
        pipeline="orders",
        topic="postgres-source-shop-orders",
        url="http://model:8000/v2/models/m",
        table="orders_prediction",
        outputs={"a class": "a_class", "score": "score"},
        schema_file="pipeline.schema.json",
    )

    text = pipeline_text(names, found, sample().columns)

    described = Pipeline.model_validate(tomllib.loads(text))
    assert described.target.outputs == {"a class": "a_class", "score": "score"}
    assert [f.input_name for f in described.features] == [i.tensor for i in found.inputs]
    assert described.source.key == found.key
    assert all(doubt in text for doubt in found.doubts)
