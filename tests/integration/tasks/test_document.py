"""Requests made from the OpenAPI document, with a token: none is a server's error, and the answers are as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

from tests.tasks import flowers

if TYPE_CHECKING:
    from tests.tasks import Person

EXAMPLES = 25
PATHS = {
    *("/auth/token", "/auth/webhook-secret", "/models", "/tasks", "/tasks/{task_id}", "/tasks/{task_id}/status"),
    *("/tasks/{task_id}/input", "/tasks/{task_id}/result"),
}
CHECKS: list[Any] = [
    *(not_a_server_error, content_type_conformance, response_headers_conformance),
    *(response_schema_conformance, status_code_conformance),
]


def test_every_documented_request_about_tasks_is_answered_as_documented(person: Person) -> None:
    done = person.made(person.send_rows(flowers(3)))
    person.ended(done)
    address = person.http.base_url.join("/openapi.json")
    document: Any = schemathesis.openapi.from_url(str(address), config=SchemathesisConfig())
    operations = [result.ok() for result in document.get_all_operations()]
    chosen = [operation for operation in operations if operation.path in PATHS]
    assert {operation.path for operation in chosen} == PATHS

    for operation in chosen:
        _send(operation, person, done)


def _send(operation: Any, person: Person, task_id: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy() | operation.as_strategy(schemathesis.GenerationMode.NEGATIVE))
    def sent(case: Any) -> None:
        # a task that is there, as often as one that is not
        if "task_id" in (case.path_parameters or {}) and operation.method != "delete" and len(case.id) % 2 == 0:
            case.path_parameters["task_id"] = task_id
        case.call_and_validate(checks=CHECKS, headers={"Authorization": f"Bearer {person.token}"})

    sent()
