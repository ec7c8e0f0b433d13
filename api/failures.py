"""Which error is which answer.

The body is `{"error": …}` under `/v2`, as the protocol has it, and `{"detail": …}` elsewhere, as FastAPI has it. The
credit endpoints' answer to come back later is a problem of RFC 9457, and so is every refusal of an image; each of their
answers bears the request's id.
"""

import json
import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import errors
from api.credit.request_id import HEADER
from api.images import errors as images

STATUS: dict[type[errors.ApiError], HTTPStatus] = {
    errors.MalformedRequestError: HTTPStatus.BAD_REQUEST,
    errors.UnfitValueError: HTTPStatus.BAD_REQUEST,
    errors.UnknownModelError: HTTPStatus.NOT_FOUND,
    errors.RequestTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedEncodingError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.ModelAwaitedError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OverloadedError: HTTPStatus.SERVICE_UNAVAILABLE,
    images.ImageTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    images.UnsupportedImageError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    images.UnreadableImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    images.BlankImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    images.UploadError: HTTPStatus.UNPROCESSABLE_ENTITY,
    images.UnknownImageError: HTTPStatus.NOT_FOUND,
    images.ArchiveAwayError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelMissingError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.BrokenModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UntrustedModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PredictionError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

PROBLEM = "application/problem+json"

log = structlog.get_logger()


def answer_failures(app: FastAPI) -> None:
    """Have the app answer every error; none shows a traceback to the caller."""
    app.add_exception_handler(errors.ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_fields)
    app.add_exception_handler(Exception, _unforeseen)


async def _api_error(request: Request, error: Exception) -> Response:
    status = STATUS[type(error)]  # type: ignore[index]
    headers = {}
    if isinstance(error, errors.ModelError):
        log.error("model failed", path=request.url.path, reason=str(error), exc_info=error.__cause__)
    if isinstance(error, errors.OverloadedError | errors.ModelAwaitedError | images.ArchiveAwayError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return _answer(request, status, str(error), headers)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return _answer(request, error.status_code, error.detail, dict(error.headers or {}))


async def _invalid_fields(request: Request, error: Exception) -> Response:
    """List the fields that are wrong, each with its input where that is one plain value.

    FastAPI's own answer repeats inputs as they came, and fails on those that JSON or UTF-8 cannot hold.
    """
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, [_field(problem) for problem in error.errors()], {})


async def _unforeseen(request: Request, _error: Exception) -> Response:
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal error", {})


def _field(problem: dict[str, Any]) -> dict[str, Any]:
    kept = {key: problem[key] for key in ("type", "loc", "msg")}
    # What the JSON parser said of a body that is not JSON.
    context = problem.get("ctx", {})
    if isinstance(context.get("error"), str):
        kept["ctx"] = {"error": context["error"]}
    value = problem.get("input")
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        kept["input"] = value
    return kept


def _answer(request: Request, status: int, problem: str | list[dict[str, Any]], headers: dict[str, str]) -> Response:
    body: dict[str, Any] = {"error" if request.url.path.startswith("/v2") else "detail": problem}
    media_type = "application/json"
    if hasattr(request.state, "request_id"):
        headers |= {HEADER: request.state.request_id}
        if status == HTTPStatus.SERVICE_UNAVAILABLE or getattr(request.state, "problems", False):
            title = HTTPStatus(status).phrase
            body, media_type = {"type": "about:blank", "title": title, "status": status} | body, PROBLEM
    # Escaped to ASCII: a name the caller sent may hold characters that UTF-8 cannot.
    return Response(json.dumps(body), status, headers, media_type)
