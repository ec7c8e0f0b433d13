from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Stops whoever reads a request's body at `max_bytes`, before the first byte if its length is announced as larger.

    What the caller still sends is read and dropped by the server, so that a caller who writes the whole body before it
    reads gets to see the 413, not a broken connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        size = 0

        async def limited() -> Message:
            nonlocal size
            if announced.isdecimal() and int(announced) > self._max_bytes:
                raise self._refusal()
            message = await receive()
            if message["type"] == "http.request":
                size += len(message.get("body", b""))
                if size > self._max_bytes:
                    raise self._refusal()
            return message

        await self._app(scope, limited, send)

    def _refusal(self) -> HTTPException:
        # The one kind of error that FastAPI lets through while it reads a body.
        return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {self._max_bytes} bytes")
