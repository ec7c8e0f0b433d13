from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.protocol.messages import Live, ModelReady, Ready
from api.routes.answers import documented, encoded
from api.service import service_of

router = APIRouter(tags=["health"], default_response_class=Response)


@router.get("/v2/health/live", summary="Is the server up?", responses=documented(Live))
async def live() -> Response:
    """Answer as long as the server takes requests."""
    return encoded(Live(live=True))


@router.get("/v2/health/ready", summary="Can it predict?", responses=documented(Ready, 503))
async def ready(request: Request) -> Response:
    """Answer 200 once every model is loaded, 503 otherwise."""
    loaded = bool(service_of(request).registry.current_models())
    return encoded(Ready(live=True, ready=loaded), 200 if loaded else 503)


@router.get("/v2/models/{name}/ready", summary="Can this model predict?", responses=documented(ModelReady, 404))
async def model_ready(request: Request, name: str) -> Response:
    """Answer 200 if the current version of the model is loaded."""
    await service_of(request).answering(name)
    return encoded(ModelReady(name, ready=True))


@router.get(
    "/v2/models/{name}/versions/{version}/ready",
    summary="Can this version predict?",
    responses=documented(ModelReady, 404, 500),
)
async def version_ready(request: Request, name: str, version: str) -> Response:
    """Answer 200 if the version can be loaded; it is, by this."""
    await service_of(request).answering(name, version)
    return encoded(ModelReady(name, ready=True))
