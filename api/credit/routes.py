from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from api.credit.answers import CreditAnswers
from api.credit.endpoint import Endpoint
from api.credit.request_id import HEADER, IdentifiedRoute
from api.credit.schemas import (
    APPLICATION,
    YOUNG,
    CreditApplication,
    DecisionOut,
    ProbabilityOut,
    RiskCategoryOut,
)
from api.problems import PROBLEM, PROBLEM_SCHEMA

router = APIRouter(tags=["credit"], route_class=IdentifiedRoute, default_response_class=Response)

RequestId = Annotated[
    str | None,
    Header(alias=HEADER, description="A UUID that comes back; without one, or with another text, a new one."),
]
HEADERS = {
    HEADER: {"description": "The request's id.", "schema": {"type": "string", "format": "uuid"}},
    "X-Cache": {
        "description": "Whether the answer was given before.",
        "schema": {"type": "string", "enum": ["hit", "miss"]},
    },
}
EXAMPLES = {
    "application": {"summary": "A woman of 35 with some years at her employer", "value": APPLICATION},
    "young": {"summary": "A man of 20 without employment", "value": YOUNG},
}
BODY: dict[str, Any] = {"requestBody": {"content": {"application/json": {"examples": EXAMPLES}}}}


def _answers(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    failure = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
    return {
        200: {"model": model, "description": model.__doc__ or "", "headers": HEADERS},
        400: {"description": "The body is not text.", "content": {"application/json": {"schema": failure}}},
        413: {"description": "The body is too large.", "content": {"application/json": {"schema": failure}}},
        500: {"description": "The model failed.", "content": {"application/json": {"schema": failure}}},
        503: {
            "description": "No credit model is there yet, or too many rows wait; send it again after `Retry-After`.",
            "content": {PROBLEM: {"schema": PROBLEM_SCHEMA}},
        },
    }


@router.post("/decisions", summary="Accept or decline", responses=_answers(DecisionOut), openapi_extra=BODY)
async def decisions(request: Request, application: CreditApplication, _id: RequestId = None) -> Response:
    """Decide on one application with the current credit model."""
    return await _answered(request, Endpoint.DECISIONS, application)


@router.post("/probabilities", summary="Probability of default", responses=_answers(ProbabilityOut), openapi_extra=BODY)
async def probabilities(request: Request, application: CreditApplication, _id: RequestId = None) -> Response:
    """Tell how probable it is that this credit is not paid back."""
    return await _answered(request, Endpoint.PROBABILITIES, application)


@router.post("/risk_categories", summary="Risk in words", responses=_answers(RiskCategoryOut), openapi_extra=BODY)
async def risk_categories(request: Request, application: CreditApplication, _id: RequestId = None) -> Response:
    """Tell the risk category of one application."""
    return await _answered(request, Endpoint.RISK_CATEGORIES, application)


async def _answered(request: Request, endpoint: Endpoint, application: CreditApplication) -> Response:
    answers: CreditAnswers = request.app.state.credit
    answered = await answers.answer(endpoint, application, request.state.request_id)

    async def keep() -> None:
        answers.keep(answered)

    headers = {"X-Cache": "hit" if answered.cache_hit else "miss"}
    return Response(answered.body, 200, headers, "application/json", BackgroundTask(keep))
