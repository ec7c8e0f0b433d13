from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.credit.request_id import IdentifiedRoute


class ProblemRoute(IdentifiedRoute):
    """A route all of whose refusals are problems of RFC 9457."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            request.state.problems = True
            return await handle(request)

        return handled
