"""Images of production."""

from __future__ import annotations

import uuid

from api.feedback.production import ProductionImage


def image(
    answer: int = 7, label: int | None = None, confidence: float = 0.92, version: str = "one", number: int = 0
) -> ProductionImage:
    prediction_id = str(uuid.UUID(int=number or uuid.uuid4().int))
    return ProductionImage(
        prediction_id, f"class_{answer:02d}/{prediction_id}.png", answer, confidence, version, "2026-03-01", label
    )
