"""Routes of the console: the page, its stream of events, health and metrics."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from subscriber.console.assets import PAGE, Assets
from subscriber.console.feed import RETRY_MS, Feed
from subscriber.console.headers import Headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request

    from subscriber.console.watched import Watched
    from subscriber.metrics import Registry


def application(watched: Mapping[str, Watched], registry: Registry) -> Starlette:
    """The console of the pipelines in `watched`, by name. Its `state.feed` is to be closed before the server stops."""
    feed = Feed(watched)
    assets = Assets()

    @asynccontextmanager
    async def ticking(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(feed.run())
        yield
        task.cancel()

    async def page(request: Request) -> Response:
        return assets.answer(PAGE, request)

    async def static(request: Request) -> Response:
        return assets.answer(request.path_params["name"], request)

    async def events(request: Request) -> Response:
        """The figures of all pipelines, once a second, as server-sent events."""
        if feed.full:
            wait = {"Retry-After": str(RETRY_MS // 1000)}
            return Response("too many pages are open\n", 503, headers=wait, media_type="text/plain")
        # a proxy must neither keep nor gather what it passes on
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(headers=headers, media_type="text/event-stream")
        return StreamingResponse(feed.events(), headers=headers, media_type="text/event-stream")

    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    def ready(_: Request) -> Response:
        """200 while every pipeline predicts what arrives, else 503; says what each one is waiting for."""
        all_ready = all(w.health.ready for w in watched.values())
        body = {"ready": all_ready, "pipelines": {name: w.health.snapshot() for name, w in watched.items()}}
        return JSONResponse(body, 200 if all_ready else 503)

    def metrics(_: Request) -> Response:
        for name, w in watched.items():
            registry.ready.labels(name).set(w.health.ready)
        return Response(generate_latest(registry.registry), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/static/{name:path}", static),
            Route("/events", events),
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(Headers)],
        lifespan=ticking,
    )
    app.state.feed = feed
    return app
