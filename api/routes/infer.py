from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.errors import UnsupportedEncodingError
from api.protocol.messages import InferenceRequest, InferenceResponse
from api.routes.answers import documented
from api.service import service_of

router = APIRouter(tags=["inference"], default_response_class=Response)

FEATURES = {
    "sepal_length": [5.1, 6.7],
    "sepal_width": [3.5, 3.0],
    "petal_length": [1.4, 5.2],
    "petal_width": [0.2, 2.3],
}
EXAMPLES = {
    "columns": {
        "summary": "One tensor a feature, in any order: the fastest form",
        "value": {
            "id": "42",
            "inputs": [
                {"name": name, "shape": [2], "datatype": "FP64", "data": data} for name, data in FEATURES.items()
            ],
        },
    },
    "matrix": {
        "summary": "One matrix, its columns in the order of the model's features",
        "value": {
            "inputs": [
                {
                    "name": "rows",
                    "shape": [2, 4],
                    "datatype": "FP64",
                    "data": [list(row) for row in zip(*FEATURES.values(), strict=True)],
                }
            ]
        },
    },
}
# The body is decoded by hand, straight into columns, so its schema is told to the documentation by hand too.
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": f"#/components/schemas/{InferenceRequest.__name__}"},
                "examples": EXAMPLES,
            }
        },
    }
}
ANSWERS = documented(InferenceResponse, 400, 404, 413, 415, 500, 503)


@router.post("/v2/models/{name}/infer", summary="Predict a batch", responses=ANSWERS, openapi_extra=BODY)
async def infer(request: Request, name: str) -> Response:
    """Predict every row of a batch with the current version, in the order of the rows."""
    return await _infer(request, name, None)


@router.post(
    "/v2/models/{name}/versions/{version}/infer",
    summary="Predict a batch with one version",
    responses=ANSWERS,
    openapi_extra=BODY,
)
async def infer_with_version(request: Request, name: str, version: str) -> Response:
    """Predict every row of a batch with the given version, in the order of the rows."""
    return await _infer(request, name, version)


async def _infer(request: Request, name: str, version: str | None) -> Response:
    service = service_of(request)
    body = await request.body()
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise UnsupportedEncodingError(f"the body is encoded as '{encoding}', send plain JSON")
    if "inference-header-content-length" in request.headers:
        raise UnsupportedEncodingError("the body holds binary tensors, send them as JSON")
    model = await service.answering(name, version)
    return Response(await service.infer(model, body), media_type="application/json")
