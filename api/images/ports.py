"""What the images' endpoints ask of the archive and of the monitoring database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True)
class ArchivedImage:
    """An image that was answered, as the archive keeps it."""

    prediction_id: str
    """A UUID as text, by which the answer is known everywhere."""
    data: bytes
    """The file as it was sent."""
    content_type: str
    """Of the image itself, whatever the request said: `image/png`, `image/jpeg` or `image/webp`."""
    extension: str
    """`.png`, `.jpg` or `.webp`."""
    predicted_class: int
    confidence: float
    """From 0 to 1."""
    timestamp: datetime
    """When the image was understood; UTC."""
    model_version: str

    @property
    def object_key(self) -> str:
        """Where it is in the bucket: a folder a class, a name a prediction."""
        return f"class_{self.predicted_class:02d}/{self.prediction_id}{self.extension}"

    @property
    def tags(self) -> dict[str, str]:
        """What the object is tagged with."""
        return {
            "predicted_class": str(self.predicted_class),
            "confidence": f"{self.confidence:.3f}",
            "timestamp": self.timestamp.astimezone(UTC).isoformat(),
            "model_version": self.model_version,
        }


@dataclass(frozen=True)
class RecordedImage:
    """An image that was answered, as it is kept for monitoring."""

    prediction_id: str
    """A UUID as text."""
    request_id: str
    """A UUID as text, which is the response header X-Request-ID too."""
    received_at: datetime
    """When the image was understood; UTC."""
    latency_ms: float
    """From the end of the upload until the answer was there to be sent."""
    model_version: str
    predicted_class: int
    confidence: float
    """From 0 to 1."""
    content_type: str
    size_bytes: int
    width: int
    """Pixels, of the image turned upright."""
    height: int
    """Pixels, of the image turned upright."""
    object_key: str
    """Where the archive has it."""


class ImageArchive(Protocol):
    """Keeps every image that was answered."""

    def keep(self, image: ArchivedImage) -> None:
        """Take one; never waits for the network, never raises."""

    def fetch(self, object_key: str, max_bytes: int | None = None) -> bytes:
        """The object's content; blocks, so it is for threads. Of a larger one than `max_bytes`, more than these.

        Raises:
            ObjectMissing: there is no such object.
            StoreAway: the store does not answer now.
        """

    def tag(self, object_key: str, tags: Mapping[str, str]) -> None:
        """Add to the tags of an object, also of one that waits to be stored; blocks, so it is for threads.

        Raises:
            ObjectMissing: there is no such object.
            StoreAway: the store does not answer now.
        """


class ImageRecorder(Protocol):
    """Keeps what was answered to every image."""

    def record_image(self, image: RecordedImage) -> None:
        """Take one; never waits, never raises."""


class ImageIndex(Protocol):
    """Knows where the image of a prediction is."""

    def find(self, prediction_id: str) -> str | None:
        """The object's key, None if there is no such prediction; blocks, so it is for threads.

        Raises:
            DatabaseAway: the database does not answer now.
        """
