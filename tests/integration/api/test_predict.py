import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
lengths = st.floats(-100, 100)


def test_a_row_has_a_class(client: httpx.Client) -> None:
    response = client.post("/predict", json=ROW)
    assert (response.status_code, response.json()) == (200, {"iris_class": 0})


def test_other_fields_are_ignored(client: httpx.Client) -> None:
    response = client.post("/predict", json=ROW | {"timestamp": "2024-01-01T00:00:00Z", "id": 7, "target": None})
    assert (response.status_code, response.json()) == (200, {"iris_class": 0})


@given(st.fixed_dictionaries(dict.fromkeys(ROW, lengths)))
def test_a_row_and_a_batch_of_one_have_the_same_class(client: httpx.Client, row: dict[str, float]) -> None:
    tensors = [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in row.items()]
    batch = client.post("/v2/models/iris/infer", json={"inputs": tensors}).json()
    assert client.post("/predict", json=row).json() == {"iris_class": batch["outputs"][0]["data"][0]}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"petal_width": None}, "float_type"),
        ({"petal_width": "0.2"}, "float_type"),
        ({"petal_width": True}, "float_type"),
        ({"petal_width": float("nan")}, "finite_number"),
        ({"petal_width": float("inf")}, "finite_number"),
        ({"petal_width": 10**400}, "float_type"),
        ({"petal_width": 1.7e308, "sepal_width": 0}, "unfit_value"),
    ],
)
def test_a_field_that_is_no_finite_number_is_named(client: httpx.Client, change: dict[str, Any], kind: str) -> None:
    response = client.post("/predict", content=json.dumps(ROW | change), headers={"content-type": "application/json"})
    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert (problem["type"], problem["loc"]) == (kind, ["body", "petal_width"])


def test_a_missing_field_is_named(client: httpx.Client) -> None:
    response = client.post("/predict", json={name: value for name, value in ROW.items() if name != "petal_width"})
    assert response.status_code == 422
    assert response.json()["detail"] == [{"type": "missing", "loc": ["body", "petal_width"], "msg": "Field required"}]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(ROW)), inner),
    max_leaves=6,
)


@given(json_values | st.fixed_dictionaries(dict.fromkeys(ROW, json_values | st.floats())))
def test_any_json_is_answered_or_refused_in_fastapis_manner(client: httpx.Client, body: object) -> None:
    # Given any JSON, numbers that JSON lacks and lone surrogates included, when it is sent
    response = client.post("/predict", content=json.dumps(body), headers={"content-type": "application/json"})

    # Then it is a prediction or a list of what is wrong
    assert response.status_code in {200, 422}
    assert set(response.json()) == {"iris_class" if response.status_code == 200 else "detail"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"sepal_length": ' + b"9" * 5_000 + b"}"])
def test_what_is_not_json_is_refused(client: httpx.Client, body: bytes) -> None:
    response = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert response.status_code in {400, 422}
    assert response.json()["detail"]
