"""Requests made from the OpenAPI document itself: none is a server's error, and the answers are as it says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sklearn.pipeline import Pipeline

from api.model import artifact
from api.model.description import Description
from api.training import credit, digits

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

EXAMPLES = 25
CREDIT = ("/decisions", "/probabilities", "/risk_categories")
IMAGES = ("/images", "/images/{prediction_id}")
AS_DOCUMENTED = (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)


@pytest.fixture(scope="module")
def all_models(
    trained: tuple[Description, Pipeline],
    tmp_path_factory: pytest.TempPathFactory,
    new_api: Callable[..., "Api"],
    wait_until: Callable[[Callable[[], bool]], None],
) -> Iterator["Api"]:
    folder: Path = tmp_path_factory.mktemp("all")
    for description, model in (trained, credit.train(), digits.train()):
        artifact.save(folder, description, model)
        artifact.serve_version(folder, description.name, description.version)
    server = new_api(tmp_path_factory.mktemp("document-api"), folder)
    try:
        wait_until(server.ready)
        yield server
        assert server.stop() == 0, server.log()
        assert "Traceback" not in server.log()
    finally:
        server.process.kill()
        server.process.wait()


def test_every_documented_request_is_answered_or_refused(all_models: "Api") -> None:
    # Given every operation of the document
    document: Any = schemathesis.openapi.from_url(f"{all_models.url}/openapi.json", config=SchemathesisConfig())
    operations: list[Any] = [result.ok() for result in document.get_all_operations()]
    assert {operation.path for operation in operations} >= {
        *CREDIT,
        *IMAGES,
        "/predict",
        "/v2/models/{name}/infer",
        "/metrics",
    }

    for operation in operations:
        # When requests of its schema are sent, valid and not, then none is a server's error
        _send(operation, [not_a_server_error, *(AS_DOCUMENTED if operation.path in CREDIT + IMAGES else ())])


def _send(operation: Any, checks: list[Any]) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy() | operation.as_strategy(schemathesis.GenerationMode.NEGATIVE))
    def sent(case: Any) -> None:
        case.call_and_validate(checks=checks)

    sent()
