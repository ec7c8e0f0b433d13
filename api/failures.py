"""Which error is which answer.

The body is `{"error": …}` under `/v2`, as the protocol has it, and `{"detail": …}` elsewhere, as FastAPI has it. The
credit endpoints' answer to come back later is a problem of RFC 9457, and so is every refusal of an image, of a sign-in
and of a task; each of their answers bears the request's id.
"""

import json
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api import errors
from api.accounts import errors as accounts
from api.credit.request_id import HEADER
from api.images import errors as images
from api.problems import PROBLEM, wants_problem
from api.tasks import errors as tasks
from api.tasks.errors import FieldsError

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
    accounts.SignInError: HTTPStatus.UNAUTHORIZED,
    accounts.NoTokenError: HTTPStatus.UNAUTHORIZED,
    accounts.TokenError: HTTPStatus.UNAUTHORIZED,
    accounts.ScopeError: HTTPStatus.FORBIDDEN,
    accounts.TooManyTriesError: HTTPStatus.TOO_MANY_REQUESTS,
    tasks.FieldsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    tasks.UnknownTaskError: HTTPStatus.NOT_FOUND,
    tasks.TaskStateError: HTTPStatus.CONFLICT,
    tasks.TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    tasks.UnsupportedFormatError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    tasks.NotAcceptableError: HTTPStatus.NOT_ACCEPTABLE,
    tasks.NotReadyError: HTTPStatus.CONFLICT,
    tasks.BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    tasks.TasksAwayError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelMissingError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.BrokenModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.UntrustedModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.PredictionError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

NO_MEMBERS: Mapping[str, object] = {}

log = structlog.get_logger()


def answer_failures(app: FastAPI) -> None:
    """Have the app answer every error; none shows a traceback to the caller."""
    app.add_exception_handler(errors.ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_fields)
    app.add_exception_handler(ClientDisconnect, _hung_up)
    app.add_exception_handler(Exception, _unforeseen)


async def _api_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.ApiError):
        raise error
    status = STATUS[type(error)]
    headers = {}
    if isinstance(error, errors.ModelError):
        log.error("model failed", path=request.url.path, reason=str(error), exc_info=error.__cause__)
    if isinstance(error, tasks.TasksAwayError) and error.reason:
        log.warning("a database of the tasks is away", path=request.url.path, reason=error.reason)
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.challenge is not None:
        headers["WWW-Authenticate"] = error.challenge
    return _answer(request, status, str(error), headers, error.members)


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
    problems = error.errors()
    if wants_problem(request):
        # as of a field that a route finds wrong itself
        found = FieldsError(*((_name(problem["loc"]), problem["msg"]) for problem in problems))
        return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(found), {}, found.members)
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, [_field(problem) for problem in problems], {})


async def _hung_up(request: Request, _error: Exception) -> Response:
    """Answer nobody: the sender has gone before its body was whole, which is no news for the log."""
    return _answer(request, HTTPStatus.BAD_REQUEST, "the body ended early", {})


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


def _name(place: Sequence[str | int]) -> str:
    """A field by its path in the body, or by its name in the address or the head."""
    return ".".join(map(str, place[1:] or place))


def _answer(
    request: Request,
    status: int,
    problem: str | list[dict[str, Any]],
    headers: dict[str, str],
    members: Mapping[str, object] = NO_MEMBERS,
) -> Response:
    body: dict[str, Any] = {"error" if request.url.path.startswith("/v2") else "detail": problem}
    media_type = "application/json"
    identified = hasattr(request.state, "request_id")
    if identified:
        headers |= {HEADER: request.state.request_id}
    if wants_problem(request) or (identified and status == HTTPStatus.SERVICE_UNAVAILABLE):
        title = HTTPStatus(status).phrase
        body, media_type = {"type": "about:blank", "title": title, "status": status} | body | dict(members), PROBLEM
    # Escaped to ASCII: a name the caller sent may hold characters that UTF-8 cannot.
    return Response(json.dumps(body), status, headers, media_type)
