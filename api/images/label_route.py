import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

from api.archive.errors import StoreAway
from api.credit.request_id import IdentifiedRoute
from api.images.labels import Labels, UnknownImage
from api.monitoring.errors import DatabaseAway
from api.training.digits import CLASSES

RETRY_AFTER_SECONDS = 5

router = APIRouter(tags=["images"], route_class=IdentifiedRoute)


class LabelIn(BaseModel):
    """What is in an image. A field of another name is refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"label": 7}]})

    label: Annotated[int, Field(strict=True, ge=min(CLASSES), le=max(CLASSES), description="The digit.")]


class LabelOut(BaseModel):
    """The label as it is stored."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"prediction_id": "0198f2c4-0000-7000-8000-000000000000", "label": 7}]}
    )

    prediction_id: str
    label: int


@router.put(
    "/images/{prediction_id}/label",
    summary="Tell what is in an image",
    responses={
        404: {"description": "There is no such prediction, or no image of it."},
        503: {"description": "The archive or the monitoring database is away; send it again after `Retry-After`."},
    },
)
async def put_label(request: Request, prediction_id: str, body: LabelIn) -> LabelOut:
    """Store the truth about an answered image; a later label takes the place of an earlier one."""
    labels: Labels | None = request.app.state.labels
    if labels is None:
        raise _away("no monitoring database is set (MONITORING_HOST), and without one no image is known by its id")
    try:
        await asyncio.to_thread(labels.put, prediction_id, body.label)
    except UnknownImage as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    except DatabaseAway as error:
        raise _away(f"the monitoring database is away: {error}") from error
    except StoreAway as error:
        raise _away(f"the archive is away: {error}") from error
    return LabelOut(prediction_id=prediction_id, label=body.label)


def _away(reason: str) -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, reason, {"Retry-After": str(RETRY_AFTER_SECONDS)})
