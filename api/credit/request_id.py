"""The id of a request: the caller's, if it is a UUID, else one of ours. It comes back in the response's header."""

import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

HEADER = "X-Request-ID"


def request_id(given: str | None) -> str:
    """The given id in its canonical form, or a new one if it is no UUID."""
    try:
        return str(uuid.UUID(given))
    except (ValueError, TypeError, AttributeError):
        return str(uuid.uuid4())


class IdentifiedRoute(APIRoute):
    """A route whose requests have `request.state.request_id` before anything else is looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def identified(request: Request) -> Response:
            request.state.request_id = request_id(request.headers.get(HEADER))
            response = await handle(request)
            response.headers[HEADER] = request.state.request_id
            return response

        return identified
