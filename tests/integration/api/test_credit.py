"""The credit endpoints on a running API: answers, refusals, headers, and the same model in batches."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from api.credit.features import CATEGORIES
from api.credit.schemas import APPLICATION, YOUNG

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

Wait = Callable[[Callable[[], bool]], None]
OUTPUTS = {"decisions": "decision", "probabilities": "probability", "risk_categories": "risk_category"}
AGE = "age_in_years"
STATUS = "personal_status_and_sex"

applications = st.fixed_dictionaries(
    {
        "installment_rate_in_percentage_of_disposable_income": st.integers(1, 4),
        AGE: st.integers(18, 120) | st.integers(18, 120).map(float),
        **{name: st.sampled_from(categories) for name, categories in CATEGORIES.items()},
    }
)


@pytest.fixture(scope="module")
def client(credit_api: "Api") -> Iterator[httpx.Client]:
    """A client of an API that has the credit model alone."""
    with httpx.Client(base_url=credit_api.url, timeout=30) as client:
        yield client


def _batch(client: httpx.Client, rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    numbers = [name for name in rows[0] if name not in CATEGORIES]
    inputs = [
        {
            "name": name,
            "shape": [len(rows)],
            "datatype": "FP64" if name in numbers else "BYTES",
            "data": [row[name] for row in rows],
        }
        for name in rows[0]
    ]
    response = client.post("/v2/models/credit/infer", json={"inputs": inputs})
    assert response.status_code == 200, response.text
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


@settings(max_examples=40, deadline=None)
@given(st.lists(applications, min_size=1, max_size=4))
def test_an_application_and_a_batch_have_the_same_answers(client: httpx.Client, rows: list[dict[str, Any]]) -> None:
    batch = _batch(client, rows)
    for position, row in enumerate(rows):
        for endpoint, output in OUTPUTS.items():
            response = client.post(f"/{endpoint}", json=row)
            assert (response.status_code, list(response.json())) == (200, [output])
            answer = response.json()[output]
            if isinstance(answer, float):
                assert answer == pytest.approx(batch[output][position], abs=1e-12)
            else:
                assert answer == batch[output][position]


@settings(max_examples=40, deadline=None)
@given(applications)
def test_decision_and_category_follow_the_thresholds_that_the_model_tells(
    client: httpx.Client, row: dict[str, Any]
) -> None:
    told = client.get("/v2/models/credit").json()
    below = {output["name"]: output["parameters"] for output in told["outputs"]}
    probability = client.post("/probabilities", json=row).json()["probability"]
    assert 0 <= probability <= 1
    accepted = probability < below["decision"]["below.ACCEPT"]
    assert client.post("/decisions", json=row).json() == {"decision": "ACCEPT" if accepted else "DECLINE"}
    ends = below["risk_category"]
    low, medium = probability < ends["below.low_risk"], probability < ends["below.medium_risk"]
    risk = "low_risk" if low else "medium_risk" if medium else "high_risk"
    assert client.post("/risk_categories", json=row).json() == {"risk_category": risk}


@pytest.mark.parametrize("endpoint", OUTPUTS)
def test_an_answer_bears_the_requests_id_and_tells_of_the_cache(client: httpx.Client, endpoint: str) -> None:
    # Given an id that is a UUID, one that is none, and none
    own = uuid.uuid4()
    known = client.post(f"/{endpoint}", json=APPLICATION, headers={"X-Request-ID": str(own).upper()})
    strange = client.post(f"/{endpoint}", json=APPLICATION, headers={"X-Request-ID": "1; drop table"})
    without = client.post(f"/{endpoint}", json=APPLICATION)

    # Then the first comes back, and the others get one of their own; nothing is cached without a cache
    assert known.headers["x-request-id"] == str(own)
    made = {uuid.UUID(answer.headers["x-request-id"]) for answer in (strange, without)}
    assert len(made | {own}) == 3
    assert {answer.headers["x-cache"] for answer in (known, strange, without)} == {"miss"}


@pytest.mark.parametrize("endpoint", OUTPUTS)
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({AGE: 17}, "greater_than_equal"),
        ({AGE: 121}, "less_than_equal"),
        ({AGE: 35.5}, "int_from_float"),
        ({AGE: "35"}, "int_type"),
        ({AGE: True}, "int_type"),
        ({AGE: None}, "int_type"),
        ({AGE: float("nan")}, "finite_number"),
        ({AGE: 10**400}, "less_than_equal"),
        ({STATUS: "single"}, "literal_error"),
        ({STATUS: "\ud800"}, "string_unicode"),
        ({STATUS: 3}, "literal_error"),
        ({"foreign_worker": True}, "literal_error"),
        ({"credit_amount": 1000}, "extra_forbidden"),
    ],
)
def test_a_field_that_is_wrong_is_named(client: httpx.Client, endpoint: str, change: dict[str, Any], kind: str) -> None:
    body = json.dumps(APPLICATION | change)
    response = client.post(f"/{endpoint}", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert (problem["type"], problem["loc"]) == (kind, ["body", *change])
    assert uuid.UUID(response.headers["x-request-id"])


def test_an_unknown_category_in_a_batch_is_told_with_feature_row_and_value(client: httpx.Client) -> None:
    rows = [APPLICATION, YOUNG, APPLICATION | {STATUS: "widow"}]
    inputs = [
        {"name": name, "shape": [3], "datatype": "BYTES" if name in CATEGORIES else "INT64", "data": data}
        for name in APPLICATION
        if (data := [row[name] for row in rows])
    ]
    response = client.post("/v2/models/credit/infer", json={"inputs": inputs})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error.startswith(f"tensor '{STATUS}': the value at index 2 is 'widow', it must be one of 'male : divorced")


def test_requests_are_counted_and_timed(client: httpx.Client) -> None:
    def counted() -> float:
        families = text_string_to_metric_families(client.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return sum(
            sample.value
            for sample in samples
            if sample.name in {"api_requests_total", "api_request_seconds_count"}
            and sample.labels["endpoint"] == "/decisions"
        )

    before = counted()
    client.post("/decisions", json=APPLICATION)
    assert counted() == before + 2


def test_the_documented_examples_are_answered(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    for endpoint, output in OUTPUTS.items():
        post = document["paths"][f"/{endpoint}"]["post"]
        examples = post["requestBody"]["content"]["application/json"]["examples"]
        answers = [client.post(f"/{endpoint}", json=example["value"]) for example in examples.values()]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert all(list(answer.json()) == [output] for answer in answers)
        assert {"200", "422", "503"} <= set(post["responses"])
    described = document["components"]["schemas"]["CreditApplication"]["properties"]
    assert described[STATUS]["enum"] == list(CATEGORIES[STATUS])


def test_without_a_credit_model_the_endpoints_say_so_until_it_is_trained(
    start_api: Callable[..., "Api"], own_models: Path, credit_dir: Path, wait_until: Wait
) -> None:
    # Given an API with the iris model alone
    server = start_api(own_models)
    wait_until(server.ready)
    with httpx.Client(base_url=server.url, timeout=30) as client:
        # When it is asked for a decision, then that is a problem which passes
        refused = client.post("/decisions", json=APPLICATION)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        assert int(refused.headers["retry-after"]) > 0
        assert uuid.UUID(refused.headers["x-request-id"])
        problem = refused.json()
        assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Service Unavailable", 503)
        assert "model 'credit' is not there yet" in problem["detail"]

        # And once the model is there, the next one is answered
        shutil.copytree(credit_dir / "credit", own_models / ".credit")
        (own_models / ".credit").rename(own_models / "credit")
        wait_until(lambda: client.post("/decisions", json=APPLICATION).status_code == 200)
    assert server.stop() == 0
