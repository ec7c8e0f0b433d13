"""Refusals as problems of RFC 9457."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from api.credit.request_id import HEADER, IdentifiedRoute

PROBLEM = "application/problem+json"
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
# where a path that is none, or a method that is not taken, is a problem too
PREFIXES = ("/auth", "/tasks", "/models")
REQUEST_ID = {HEADER: {"description": "The request's id.", "schema": {"type": "string", "format": "uuid"}}}
RETRY_AFTER = {"Retry-After": {"description": "In how many seconds to try again.", "schema": {"type": "integer"}}}
CHALLENGE = {
    "WWW-Authenticate": {"description": "What the token lacks (RFC 6750).", "schema": {"type": "string"}},
}
OF_STATUS: Mapping[int, Mapping[str, Any]] = {401: CHALLENGE, 403: CHALLENGE, 429: RETRY_AFTER, 503: RETRY_AFTER}


class FieldProblem(BaseModel):
    """A field that is missing or wrong."""

    field: str
    problem: str


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "username: Field required",
                    "errors": [{"field": "username", "problem": "Field required"}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class ProblemRoute(IdentifiedRoute):
    """A route all of whose refusals are problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            request.state.problems = True
            return await handle(request)

        return handled


def wants_problem(request: Request) -> bool:
    """Whether the request is of a `ProblemRoute`, or of a path where one could be."""
    path = request.url.path
    return getattr(request.state, "problems", False) or any(
        path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES
    )


class Refusals:
    """Tells the documentation of a router's refusals, each with the reason the router has for it."""

    def __init__(self, reasons: Mapping[int, str]) -> None:
        self._reasons = reasons

    def __call__(self, *statuses: int) -> dict[int | str, dict[str, Any]]:
        """The `responses` of a route that refuses with these."""
        return {
            status: {
                "description": self._reasons[status],
                "headers": {**REQUEST_ID, **OF_STATUS.get(status, {})},
                "content": {PROBLEM: {"schema": PROBLEM_SCHEMA}},
            }
            for status in statuses
        }
