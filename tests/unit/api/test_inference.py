import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import ApiError, MalformedRequestError, RequestTooLargeError, UnfitValueError
from api.model.model import Model
from api.protocol.inference import infer

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]]
MAX_ROWS = 1_000


def columnar(rows: list[list[float]], datatype: str = "FP64") -> list[dict[str, Any]]:
    columns = zip(*rows, strict=True)
    return [
        {"name": name, "shape": [len(rows)], "datatype": datatype, "data": list(column)}
        for name, column in zip(FEATURES, columns, strict=True)
    ]


def answer(model: Model, inputs: object, **more: object) -> dict[str, Any]:
    body = json.dumps({"inputs": inputs, **more}).encode()
    response: dict[str, Any] = json.loads(infer(model, body, MAX_ROWS).body)
    return response


def classes(model: Model, inputs: object) -> list[int]:
    output: list[int] = answer(model, inputs)["outputs"][0]["data"]
    return output


def refusal(model: Model, inputs: object, **more: object) -> str:
    with pytest.raises(ApiError) as caught:
        answer(model, inputs, **more)
    assert isinstance(caught.value, MalformedRequestError | UnfitValueError)
    return str(caught.value)


def test_the_answer_has_the_protocols_shape(model: Model) -> None:
    response = answer(model, columnar(ROWS), id="42", parameters={"content_type": "pd", "priority": 1})
    assert response == {
        "model_name": "iris",
        "model_version": model.description.version,
        "id": "42",
        "outputs": [{"name": "iris_class", "shape": [3], "datatype": "INT64", "data": [0, 2, 1]}],
    }


def test_without_an_id_there_is_none_in_the_answer(model: Model) -> None:
    assert "id" not in answer(model, columnar(ROWS))


@given(
    st.lists(st.lists(st.floats(-100, 100), min_size=4, max_size=4), min_size=1, max_size=20), st.permutations(range(4))
)
def test_every_form_of_the_same_rows_is_answered_alike(model: Model, rows: list[list[float]], order: list[int]) -> None:
    # Given any rows, as columns of shape [n], when they are predicted
    tensors = columnar(rows)
    expected = classes(model, tensors)

    # Then columns in any order, columns of shape [n, 1] flat and nested, and matrices flat and nested say the same
    nested = [t | {"shape": [len(rows), 1], "data": [[v] for v in t["data"]]} for t in tensors]
    flat = [t | {"shape": [len(rows), 1]} for t in tensors]
    matrix = {"name": "rows", "shape": [len(rows), 4], "datatype": "FP64"}
    assert classes(model, [tensors[i] for i in order]) == expected
    assert classes(model, nested) == expected
    assert classes(model, flat) == expected
    assert classes(model, [matrix | {"data": rows}]) == expected
    assert classes(model, [matrix | {"data": [v for row in rows for v in row]}]) == expected


@pytest.mark.parametrize("datatype", ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"])
def test_whole_numbers_are_taken_in_every_integer_type(model: Model, datatype: str) -> None:
    rows: list[list[float]] = [[5, 3, 1, 0], [7, 3, 5, 2]]
    assert classes(model, columnar(rows, datatype)) == classes(model, columnar(rows)) == [0, 2]


def test_columns_may_differ_in_datatype(model: Model) -> None:
    tensors = columnar([[5, 3, 1.4, 0.2]])
    tensors[0]["datatype"] = "INT64"
    tensors[2]["datatype"] = "FP32"
    assert classes(model, tensors) == [0]


def test_an_output_that_is_asked_for_comes(model: Model) -> None:
    response = answer(model, columnar(ROWS), outputs=[{"name": "iris_class", "parameters": {"binary_data": False}}])
    assert [output["name"] for output in response["outputs"]] == ["iris_class"]


def test_an_unknown_output_is_named(model: Model) -> None:
    assert "unknown output 'score'" in refusal(model, columnar(ROWS), outputs=[{"name": "score"}])


def _with(position: int, **change: object) -> list[dict[str, Any]]:
    tensors = columnar(ROWS)
    tensors[position] = {**tensors[position], **change}
    return tensors


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (columnar(ROWS)[:3], "tensor 'petal_width' is missing"),
        ([], "tensor 'sepal_length' is missing"),
        ([*columnar(ROWS), columnar(ROWS)[0]], "tensor 'sepal_length' is given 2 times"),
        (_with(1, name="width"), "unknown tensor 'width', the model takes sepal_length, sepal_width, petal_length"),
        (_with(1, shape=[2]), "tensor 'sepal_width' has 2 rows, tensor 'sepal_length' has 3"),
        (_with(1, data=[1.0, 2.0]), "tensor 'sepal_width' has 2 numbers, its shape [3] needs 3"),
        (_with(1, shape=[3, 2]), "tensor 'sepal_width' has shape [3, 2], it must be [n] or [n, 1]"),
        (_with(1, shape=[]), "tensor 'sepal_width' has shape [], it must be [n] or [n, 1]"),
        (_with(0, shape=[-3]), "tensor 'sepal_length' has shape [-3], it cannot be negative"),
        (_with(0, shape=[0], data=[]), "tensor 'sepal_length' is empty"),
        (_with(1, datatype="BYTES"), "tensor 'sepal_width' has datatype 'BYTES'"),
        (_with(1, data=[1.0, None, 2.0]), "tensor 'sepal_width': the value at index 1 is not a number"),
        (_with(1, data=[1.0, 2.0, "3"]), "tensor 'sepal_width': the value at index 2 is not a number"),
        (_with(1, data=[True, 2.0, 3.0]), "tensor 'sepal_width': the value at index 0 is not a number"),
        (_with(1, data=[1.0, [2.0], 3.0]), "tensor 'sepal_width': the value at index 1 is not a number"),
        (_with(1, data={"a": 1}), "tensor 'sepal_width': data: expected array"),
        (_with(1, data=[1.0, float("nan"), 2.0]), "tensor 'sepal_width': the value at index 1 is NaN or infinite"),
        (_with(1, data=[1.0, 2.0, float("-inf")]), "tensor 'sepal_width': the value at index 2 is NaN or infinite"),
        (_with(1, data=[1.0, 10**400, 2.0]), "tensor 'sepal_width': the value at index 1 is not a number"),
        (
            _with(1, data=[1.0, 1e39, 2.0], datatype="FP32"),
            "tensor 'sepal_width': the value at index 1 is outside FP32",
        ),
        (_with(1, data=[1, 2, 128], datatype="INT8"), "tensor 'sepal_width': the value at index 2 is outside INT8"),
        (_with(1, data=[1, -1, 1], datatype="UINT64"), "tensor 'sepal_width': the value at index 1 is outside UINT64"),
        (_with(1, data=[1, 2.5, 1], datatype="INT64"), "tensor 'sepal_width': the value at index 1 is not a number"),
        (_with(0, data=None), "tensor 'sepal_length': data: expected array"),
        ([{"name": "m", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}], "one matrix of shape [n, 4]"),
        ([{"name": "m", "shape": [2, 4], "datatype": "FP64", "data": [1] * 7}], "tensor 'm' has 7 numbers"),
        ([{"name": "m", "shape": [2, 4], "datatype": "FP64", "data": [[1] * 4, [1] * 3]}], "row 1 has 3 numbers"),
        ([{"name": "m", "shape": [1, 4], "datatype": "FP64", "data": [[1, 2, None, 4]]}], "'m': the value at index 2"),
        ([{"name": "m", "shape": [0, 4], "datatype": "FP64", "data": []}], "tensor 'm' is empty"),
        ([{"name": "m", "shape": [4], "datatype": "FP64", "data": [1, 2, 3, 4]}], "unknown tensor 'm'"),
        ([{"name": "sepal_length", "shape": [3], "datatype": "FP64"}], "missing required field `data`"),
        ({}, "Expected `array`, got `object`"),
        (None, "Expected `array`, got `null`"),
    ],
)
def test_a_request_that_does_not_fit_is_told_why(model: Model, inputs: object, message: str) -> None:
    assert message in refusal(model, inputs)


def test_too_many_rows_are_refused_before_their_data_is_read(model: Model) -> None:
    with pytest.raises(RequestTooLargeError, match="1001 rows are more than the 1000"):
        answer(model, _with(0, shape=[MAX_ROWS + 1], data="never read"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"inputs": []} tail',
        b'{"inputs": [{"name": "\\ud800"}]}',
        b'{"more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"inputs": NaN}',
        b'{"inputs": [NaN]}',
        b'{"inputs": [{"data": [[NaN]], "name": {}}]}',
        b'{"inputs": [{"data": [' + b"9" * 5_000 + b"] NaN}]}",
    ],
)
def test_a_body_that_is_no_request_is_refused(model: Model, body: bytes) -> None:
    with pytest.raises((MalformedRequestError, UnfitValueError)):
        infer(model, body, MAX_ROWS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(FEATURES),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "data", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
tensors = st.fixed_dictionaries(
    {
        "name": st.sampled_from(FEATURES) | json_values,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | json_values,
        "datatype": st.sampled_from(["FP64", "FP32", "INT8", "UINT64", "BOOL"]) | json_values,
        "data": st.lists(st.floats() | st.integers(), max_size=4) | json_values,
    }
)


@given(st.lists(tensors, max_size=5) | json_values)
def test_any_inputs_are_answered_or_refused(model: Model, inputs: object) -> None:
    # Given any JSON where the tensors should be, when it is sent, then nothing but a refusal is raised
    try:
        response = answer(model, inputs)
    except (MalformedRequestError, UnfitValueError):
        return
    assert set(response["outputs"][0]["data"]) <= {0, 1, 2}


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(model: Model, body: bytes) -> None:
    with pytest.raises((MalformedRequestError, UnfitValueError)):
        infer(model, body, MAX_ROWS)
