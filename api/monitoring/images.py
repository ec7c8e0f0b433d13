"""An answered image, and its row in the table of images."""

from dataclasses import dataclass
from datetime import datetime

from api.images.ports import RecordedImage
from api.monitoring.tables import Row, Table, as_uuid

IMAGES = Table(
    "images",
    "prediction_id",
    (
        *("prediction_id", "request_id", "received_at", "latency_ms", "model_version", "predicted_class", "confidence"),
        *("content_type", "size_bytes", "width", "height", "object_key"),
    ),
)


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image's answer, which has an id of its own."""

    image: RecordedImage

    @property
    def endpoint(self) -> str:
        return IMAGES.name

    @property
    def request_id(self) -> str:
        return self.image.request_id

    @property
    def received_at(self) -> datetime:
        return self.image.received_at


def image_row(one: KeptImage) -> tuple[Table, Row]:
    """The row of an image, and its table.

    Raises:
        UnfitRecord: an id is no UUID.
    """
    image = one.image
    row = (
        *(as_uuid(image.prediction_id, "the prediction's id"), as_uuid(image.request_id, "the request's id")),
        *(image.received_at, image.latency_ms, image.model_version, image.predicted_class, image.confidence),
        *(image.content_type, image.size_bytes, image.width, image.height, image.object_key),
    )
    return IMAGES, row
