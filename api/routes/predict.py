from typing import Annotated

import numpy as np
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from api.errors import UnfitValueError
from api.service import service_of

MODEL = "iris"

Centimetres = Annotated[float, Field(strict=True, allow_inf_nan=False)]

router = APIRouter(tags=["inference"])


class PredictIn(BaseModel):
    """One flower, its lengths in centimetres. Other fields are ignored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}]
        }
    )

    sepal_length: Centimetres
    sepal_width: Centimetres
    petal_length: Centimetres
    petal_width: Centimetres


class PredictOut(BaseModel):
    """The species: 0 setosa, 1 versicolor, 2 virginica."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"iris_class": 0}]})

    iris_class: int


@router.post("/predict", summary="Predict one row")
async def predict(request: Request, row: PredictIn) -> PredictOut:
    """Predict the species of one flower with the current iris model."""
    service = service_of(request)
    model = await service.model(MODEL)
    columns = {name: np.array([value]) for name, value in row}
    try:
        answers = service.predict(model, columns)
    except UnfitValueError as error:
        problem = {"type": "unfit_value", "loc": ("body", error.tensor), "msg": f"The value {error.problem}"}
        raise RequestValidationError([problem]) from error
    return PredictOut(iris_class=int(answers["iris_class"][0]))
