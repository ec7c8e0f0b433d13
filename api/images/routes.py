from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.credit.routes import RequestId
from api.images.answers import ImageAnswers
from api.images.errors import UnknownImageError
from api.images.page import ASSETS
from api.images.schemas import ImageOut
from api.images.upload import FIELD, MULTIPART, uploaded
from api.page import PAGE
from api.problems import REQUEST_ID, ProblemRoute, Refusals

router = APIRouter(prefix="/images", tags=["images"], route_class=ProblemRoute, default_response_class=Response)

IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp")
# The form is read by hand, within limits, so its schema is told to the documentation by hand too.
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "A PNG, JPEG or WebP image of one digit, dark on bright or bright on dark.",
                        }
                    },
                    "required": [FIELD],
                },
                "encoding": {FIELD: {"contentType": ", ".join(IMAGE_TYPES)}},
            }
        },
    }
}
refusals = Refusals(
    {
        400: "The body is no well-formed form.",
        404: "There is no such prediction, or its image is not kept.",
        413: "The image has more bytes, pixels or frames than are taken.",
        415: "The request is no multipart form, or the file is said to be no PNG, JPEG or WebP.",
        422: "The field is missing, or the file is no image, ends early, is damaged, or nothing is drawn in it.",
        500: "The model failed.",
        503: "No model is there yet, too many images wait, or the archive is away; send it again after `Retry-After`.",
    }
)
# A picture that somebody sent is shown and nothing else, even if it is a page or a script too.
AS_PICTURE_ALONE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    # what is kept of a prediction never changes
    "Cache-Control": "private, max-age=86400, immutable",
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ImageOut,
        "description": "Which digit it is.",
        "headers": REQUEST_ID
        | {"Location": {"description": "Where the image is kept, if it is.", "schema": {"type": "string"}}},
    },
    **refusals(400, 413, 415, 422, 500, 503),
}


@router.post("", summary="Which digit is it?", responses=ANSWERS, openapi_extra=BODY)
async def predict(request: Request, _id: RequestId = None) -> Response:
    """Tell which digit an image shows, and how sure that is; the image is archived after the answer.

    By hand: `curl -F file=@seven.png localhost:8000/images`, or the page at `/images/`.
    """
    answers: ImageAnswers = request.app.state.images
    data, content_type = await uploaded(request)
    answered = await answers.answer(data, content_type, request.state.request_id)
    image = answered.archived
    body = ImageOut(
        prediction_id=UUID(image.prediction_id),
        predicted_class=image.predicted_class,
        confidence=image.confidence,
        model_version=image.model_version,
    )

    # in a thread: it waits for the disk
    def keep() -> None:
        answers.keep(answered)

    headers = {"Location": f"images/{image.prediction_id}"} if answers.promise(answered) else {}
    return Response(body.model_dump_json(), 200, headers, "application/json", BackgroundTask(keep))


@router.get("", include_in_schema=False)
async def beside() -> Response:
    """The page's address is a folder's: its files are named from there."""
    return RedirectResponse("images/")


@router.get("/", include_in_schema=False)
async def page(request: Request) -> Response:
    """The page on which an image is drawn or chosen."""
    return ASSETS.answer(PAGE, request)


@router.get("/static/{name}", include_in_schema=False)
async def static(request: Request, name: str) -> Response:
    """The page's own files."""
    return ASSETS.answer(name, request)


@router.get(
    "/{prediction_id}",
    summary="The image of a prediction",
    responses={
        200: {
            "description": "The file, as it was sent.",
            "headers": REQUEST_ID,
            "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in IMAGE_TYPES},
        },
        **refusals(404, 503),
    },
)
async def archived(request: Request, prediction_id: str, _id: RequestId = None) -> Response:
    """Give back an image that was answered, as it was sent."""
    answers: ImageAnswers = request.app.state.images
    try:
        named = UUID(prediction_id)
    except ValueError:
        raise UnknownImageError("a prediction's id is a UUID, as the answer has it") from None
    data, format_ = await answers.archived(named)
    name = {"Content-Disposition": f'inline; filename="{named}{format_.extension}"'}
    return Response(data, 200, AS_PICTURE_ALONE | name, format_.content_type)
