import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics


class RequestMetrics:
    """Counts and times every request, under its route's path as written: `/v2/models/{name}/infer`."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # Paths that match no route share one label: a label a path would let a caller fill the memory.
            endpoint = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.answered(endpoint, status, time.perf_counter() - started)
