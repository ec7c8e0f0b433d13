from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Stops whoever reads too large a body, before the first byte if its length is announced as such.

    What the caller still sends is read and dropped by the server, so that a caller who writes the whole body before it
    reads gets to see the 413, not a broken connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, of_path: Mapping[str, int] | None = None) -> None:
        """Bound every body by `max_bytes`, but those sent to a path of `of_path` by the number there."""
        self._app = app
        self._max_bytes = max_bytes
        self._of_path = of_path or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        max_bytes = self._of_path.get(scope["path"], self._max_bytes)
        size = 0

        async def limited() -> Message:
            nonlocal size
            if announced.isdecimal() and int(announced) > max_bytes:
                raise _refusal(max_bytes)
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > max_bytes:
                    raise _refusal(max_bytes)
            return message

        await self._app(scope, limited, send)


def _refusal(max_bytes: int) -> HTTPException:
    # The one kind of error that FastAPI lets through while it reads a body.
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {max_bytes} bytes")
