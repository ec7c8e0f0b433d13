import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from api.body_limit import BodyLimit
from api.credit import routes as credit
from api.credit.answers import CreditAnswers
from api.failures import answer_failures
from api.openapi import DESCRIPTION, DocumentedApp
from api.request_metrics import RequestMetrics
from api.routes import health, infer, metadata, metrics, predict
from api.service import Service


def create_app(service: Service) -> FastAPI:
    """Put the endpoints in front of a service whose models are loaded."""
    app = DocumentedApp(
        title=metadata.SERVER_NAME,
        version=metadata.SERVER_VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan,
    )
    app.state.service = service
    app.state.credit = CreditAnswers(service)
    app.add_middleware(BodyLimit, max_bytes=service.settings.max_body_bytes)
    app.add_middleware(RequestMetrics, metrics=service.metrics)
    for routes in (predict, credit, infer, metadata, health, metrics):
        app.include_router(routes.router)
    answer_failures(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    following = asyncio.create_task(service.follow_pointers())
    yield
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    service.close()
