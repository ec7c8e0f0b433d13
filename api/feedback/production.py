"""The images of production, as the archive knows them: objects and their tags."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from api.images.labels import LABEL_TAG
from api.training.digits import CLASSES

# class_07/0198f2c4-0000-7000-8000-000000000000.png
KEY = re.compile(r"class_\d{2,}/([0-9a-f-]{36})\.(png|jpg|webp)")


@dataclass(frozen=True, slots=True)
class ProductionImage:
    """An answered image, and its label if there is one."""

    prediction_id: str
    object_key: str
    predicted_class: int
    confidence: float
    """From 0 to 1, to three decimals."""
    model_version: str
    timestamp: str
    """ISO 8601, UTC."""
    label: int | None = None

    @property
    def correct(self) -> bool:
        return self.predicted_class == self.label


def prediction_id_of(object_key: str) -> str | None:
    """The prediction's id of a key as the archive makes them; None for any other object."""
    found = KEY.fullmatch(object_key)
    if found is None:
        return None
    try:
        return str(uuid.UUID(found[1]))
    except ValueError:
        return None


def production_image(object_key: str, tags: Mapping[str, str]) -> ProductionImage | None:
    """An object of the archive; None if its key or its tags are not those of an answered image."""
    prediction_id = prediction_id_of(object_key)
    try:
        label = int(tags[LABEL_TAG]) if LABEL_TAG in tags else None
        if prediction_id is None or label not in {None, *CLASSES} or int(tags["predicted_class"]) not in CLASSES:
            return None
        return ProductionImage(
            prediction_id=prediction_id,
            object_key=object_key,
            predicted_class=int(tags["predicted_class"]),
            confidence=float(tags["confidence"]),
            model_version=tags["model_version"],
            timestamp=tags["timestamp"],
            label=label,
        )
    except (KeyError, ValueError):
        return None
