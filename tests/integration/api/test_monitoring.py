from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families
from sklearn.pipeline import Pipeline

from api.model.description import Description

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def _samples(client: httpx.Client) -> Samples:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def _grown(before: Samples, after: Samples, name: str, **labels: str) -> float:
    key = (name, tuple(sorted(labels.items())))
    return after.get(key, 0) - before.get(key, 0)


def test_requests_rows_and_batches_are_counted(client: httpx.Client, trained: tuple[Description, Pipeline]) -> None:
    # Given what has been counted so far
    before = _samples(client)

    # When a batch of three rows is predicted, one request is refused, and one misses every route
    tensor = {"name": "rows", "shape": [3, 4], "datatype": "FP64", "data": [1] * 12}
    client.post("/v2/models/iris/infer", json={"inputs": [tensor]})
    client.post("/v2/models/iris/infer", json={})
    client.get("/no/such/path")

    # Then that is what the metrics have grown by
    after = _samples(client)
    endpoint = "/v2/models/{name}/infer"
    version = trained[0].version
    assert _grown(before, after, "api_requests_total", endpoint=endpoint, status="200") == 1
    assert _grown(before, after, "api_requests_total", endpoint=endpoint, status="400") == 1
    assert _grown(before, after, "api_requests_total", endpoint="unmatched", status="404") == 1
    assert _grown(before, after, "api_rows_predicted_total", model="iris", version=version) == 3
    assert _grown(before, after, "api_batch_rows_count", model="iris") == 1
    assert _grown(before, after, "api_batch_rows_sum", model="iris") == 3
    assert _grown(before, after, "api_request_seconds_count", endpoint=endpoint) == 2
    assert after["api_model_info", (("model", "iris"), ("version", version))] == 1


def test_the_documentation_describes_every_endpoint_and_message(client: httpx.Client) -> None:
    assert client.get("/docs").status_code == 200
    document: dict[str, Any] = client.get("/openapi.json").json()
    paths = document["paths"]
    infer = paths["/v2/models/{name}/infer"]["post"]
    content = infer["requestBody"]["content"]["application/json"]
    assert set(content["examples"]) == {"columns", "matrix"}
    assert {"200", "400", "404", "413"} <= set(infer["responses"])
    assert {"/predict", "/v2", "/v2/models/{name}/versions/{version}/infer", "/metrics"} <= set(paths)

    # Every schema that is referred to is there
    schemas = document["components"]["schemas"]
    references = [part.split('"')[0] for part in str(document).replace("'", '"').split("#/components/schemas/")[1:]]
    assert set(references) <= set(schemas)
    assert set(schemas["InferenceRequest"]["properties"]) == {"id", "parameters", "inputs", "outputs"}


def test_the_documented_examples_are_answered(client: httpx.Client) -> None:
    document: dict[str, Any] = client.get("/openapi.json").json()
    post = document["paths"]["/v2/models/{name}/infer"]["post"]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    answers = [client.post("/v2/models/iris/infer", json=e["value"]).json()["outputs"] for e in examples.values()]
    assert answers[0] == answers[1]
    [row] = document["components"]["schemas"]["PredictIn"]["examples"]
    assert client.post("/predict", json=row).status_code == 200
