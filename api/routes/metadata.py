import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.derived import DerivedModel
from api.model.model import Model
from api.protocol.messages import ModelList, ModelMetadata, ServerMetadata
from api.protocol.metadata import describe
from api.routes.answers import documented, encoded
from api.service import Service, service_of

SERVER_NAME = "stream-serving"
SERVER_VERSION = "0.1.0"

router = APIRouter(tags=["metadata"], default_response_class=Response)


@router.get("/v2", summary="What this server is", responses=documented(ServerMetadata))
async def server() -> Response:
    """Name the server, its version and the protocol extensions it has: none."""
    return encoded(ServerMetadata(SERVER_NAME, SERVER_VERSION, []))


@router.get("/v2/models", summary="Which models are served", responses=documented(ModelList))
async def models(request: Request) -> Response:
    """List the models by name."""
    return encoded(ModelList(service_of(request).served()))


@router.get("/v2/models/{name}", summary="What a model takes and gives", responses=documented(ModelMetadata, 404))
async def model(request: Request, name: str) -> Response:
    """Describe the current version: its tensors, how it was trained, and how well it did on held-out rows."""
    service = service_of(request)
    return await _described(service, await service.answering(name))


@router.get(
    "/v2/models/{name}/versions/{version}",
    summary="What one version takes and gives",
    responses=documented(ModelMetadata, 404, 500),
)
async def version(request: Request, name: str, version: str) -> Response:
    """Describe one version: its tensors, how it was trained, and how well it did on held-out rows."""
    service = service_of(request)
    return await _described(service, await service.answering(name, version))


async def _described(service: Service, model: Model | DerivedModel) -> Response:
    versions = await asyncio.to_thread(service.versions, model.description.name)
    return encoded(describe(model.description, versions))
