from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from api.service import service_of

router = APIRouter(tags=["monitoring"], default_response_class=Response)


@router.get(
    "/metrics",
    summary="What Prometheus reads",
    responses={200: {"description": "The Prometheus text format.", "content": {"text/plain": {}}}},
)
async def metrics(request: Request) -> Response:
    """Count requests, rows and times; tell which model versions are served."""
    return Response(generate_latest(service_of(request).metrics.registry), media_type=CONTENT_TYPE_LATEST)
