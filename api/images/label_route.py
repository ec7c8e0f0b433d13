import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from api.credit.routes import RequestId
from api.images.errors import UnknownImageError
from api.images.labels import Labels
from api.images.routes import refusals
from api.problems import ProblemRoute
from api.training.digits import CLASSES

router = APIRouter(prefix="/images", tags=["images"], route_class=ProblemRoute)


class LabelIn(BaseModel):
    """What is in an image. A field of another name is refused."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"label": 7}]})

    label: Annotated[int, Field(strict=True, ge=min(CLASSES), le=max(CLASSES), description="The digit.")]


class LabelOut(BaseModel):
    """The label as it is stored."""

    prediction_id: UUID
    label: int


@router.put("/{prediction_id}/label", summary="Tell what is in an image", responses=refusals(404, 503))
async def put_label(request: Request, prediction_id: str, body: LabelIn, _id: RequestId = None) -> LabelOut:
    """Store the truth about an answered image; a later label takes the place of an earlier one."""
    labels: Labels = request.app.state.labels
    try:
        named = UUID(prediction_id)
    except ValueError:
        raise UnknownImageError("a prediction's id is a UUID, as the answer has it") from None
    await asyncio.to_thread(labels.put, str(named), body.label)
    return LabelOut(prediction_id=named, label=body.label)
