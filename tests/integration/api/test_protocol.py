import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from api.model.description import Description

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]]
INFER = "/v2/models/iris/infer"


def columnar(rows: list[list[float]]) -> dict[str, Any]:
    return {
        "inputs": [
            {"name": name, "shape": [len(rows)], "datatype": "FP64", "data": [row[i] for row in rows]}
            for i, name in enumerate(FEATURES)
        ]
    }


def test_the_server_describes_itself(client: httpx.Client) -> None:
    metadata = client.get("/v2").json()
    assert metadata["name"] == "stream-serving"
    assert metadata["extensions"] == []
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json()["ready"] is True
    assert client.get("/v2/models").json() == {"models": ["iris"]}
    assert client.get("/v2/models/iris/ready").json() == {"name": "iris", "ready": True}


def test_a_model_describes_itself(client: httpx.Client, trained: tuple[Description, Pipeline]) -> None:
    metadata = client.get("/v2/models/iris").json()
    version = trained[0].version
    assert (metadata["name"], metadata["versions"], metadata["platform"]) == ("iris", [version], "sklearn_skops")
    assert [(t["name"], t["datatype"], t["shape"]) for t in metadata["inputs"]] == [(n, "FP64", [-1]) for n in FEATURES]
    [output] = metadata["outputs"]
    assert (output["name"], output["datatype"], output["shape"]) == ("iris_class", "INT64", [-1])
    assert output["parameters"] == {"class.0": "setosa", "class.1": "versicolor", "class.2": "virginica"}
    assert metadata["parameters"]["version"] == version
    assert metadata["parameters"]["accuracy"] == trained[0].metrics.accuracy
    assert all(isinstance(value, str | int | float) for value in metadata["parameters"].values())
    assert client.get(f"/v2/models/iris/versions/{version}").json() == metadata
    assert client.get(f"/v2/models/iris/versions/{version}/ready").status_code == 200


def test_a_batch_is_predicted_in_order(client: httpx.Client, trained: tuple[Description, Pipeline]) -> None:
    version = trained[0].version
    expected = {
        "model_name": "iris",
        "model_version": version,
        "id": "b1",
        "outputs": [{"name": "iris_class", "shape": [3], "datatype": "INT64", "data": [0, 2, 1]}],
    }
    body = columnar(ROWS) | {"id": "b1"}
    assert client.post(INFER, json=body).json() == expected
    assert client.post(f"/v2/models/iris/versions/{version}/infer", json=body).json() == expected


def test_a_large_batch_has_the_classes_its_rows_have_in_small_ones(client: httpx.Client) -> None:
    # Given more rows than are predicted on the event loop
    rows = [[(i * step) % 8 / 1.1 for step in (1, 3, 5, 7)] for i in range(3_000)]

    # When they are sent at once, and a hundred at a time
    large = client.post(INFER, json=columnar(rows)).json()["outputs"][0]["data"]
    small = [
        value
        for start in range(0, len(rows), 100)
        for value in client.post(INFER, json=columnar(rows[start : start + 100])).json()["outputs"][0]["data"]
    ]

    # Then the classes are the same, in the same order, and not all one
    assert large == small
    assert len(set(large)) > 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/absent", 404),
        ("GET", "/v2/models/absent/ready", 404),
        ("POST", "/v2/models/absent/infer", 404),
        ("GET", "/v2/models/iris/versions/absent", 404),
        ("GET", "/v2/models/iris/versions/absent/ready", 404),
        ("POST", "/v2/models/iris/versions/absent/infer", 404),
        ("GET", "/v2/models/iris/versions/%2e%2e", 404),
        ("GET", "/v2/models/%2e%2e/versions/iris", 404),
        ("GET", "/v2/absent", 404),
        ("GET", INFER, 405),
        ("POST", "/v2/models/iris", 405),
    ],
)
def test_what_is_not_there_is_told_in_the_protocols_manner(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["error"]


def test_a_wrong_method_is_told_the_right_one(client: httpx.Client) -> None:
    assert client.get(INFER).headers["allow"] == "POST"


def test_a_bad_number_is_named(client: httpx.Client) -> None:
    body = json.dumps(columnar([*ROWS[:2], [5.9, float("nan"), 4.2, 1.5]]))
    response = client.post(INFER, content=body)
    assert response.status_code == 400
    assert response.json() == {
        "error": "tensor 'sepal_width': the value at index 2 is NaN or infinite, which JSON cannot hold"
    }


@pytest.mark.parametrize("header", [("content-encoding", "gzip"), ("inference-header-content-length", "10")])
def test_a_body_that_is_not_plain_json_is_told_so(client: httpx.Client, header: tuple[str, str]) -> None:
    response = client.post(INFER, content=b"\x1f\x8b", headers=dict([header]))
    assert response.status_code == 415
    assert "send" in response.json()["error"]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(below for key, item in inner for below in _paths(item, (*path, key)))]


PATHS = _paths(columnar(ROWS))[1:]
REPLACEMENTS: st.SearchStrategy[object] = st.one_of(
    st.none(), st.booleans(), st.text(), st.integers(), st.floats(), st.just([]), st.just({})
)


@given(st.sampled_from(PATHS), REPLACEMENTS)
def test_any_one_change_to_a_request_is_answered_or_refused(
    client: httpx.Client, path: tuple[Any, ...], replacement: object
) -> None:
    # Given a sound request with one value changed to anything
    body = columnar(ROWS)
    parent: Any = body
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = replacement

    # When it is sent
    response = client.post(INFER, content=json.dumps(body))

    # Then it is answered, or refused with the reason; never a failure of the server
    assert response.status_code in {200, 400, 413}
    if response.status_code != 200:
        assert list(response.json()) == ["error"]
        assert response.json()["error"]
