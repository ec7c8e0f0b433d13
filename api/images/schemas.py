"""What the images' endpoints take and give, as the documentation shows it."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ImageOut(BaseModel):
    """Which digit the image shows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "prediction_id": "0198a5f4-3c1e-7d2a-9b57-2f6f0c1d8e43",
                    "predicted_class": 7,
                    "confidence": 0.981,
                    "model_version": "887e3f58d40c",
                }
            ]
        }
    )

    prediction_id: Annotated[UUID, Field(description="Names this answer and its image everywhere; sorts by time.")]
    predicted_class: Annotated[int, Field(ge=0, le=9)]
    confidence: Annotated[float, Field(ge=0, le=1, description="The calibrated probability of that class.")]
    model_version: str
