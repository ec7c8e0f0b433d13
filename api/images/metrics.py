from prometheus_client import CollectorRegistry, Counter, Histogram

from api.errors import ApiError, OverloadedError
from api.images import errors

CONFIDENCE = tuple(round(i / 20, 2) for i in range(1, 21))
DECODE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
OUTCOMES: dict[type[ApiError], str] = {
    errors.ImageTooLargeError: "too_large",
    errors.UnsupportedImageError: "unsupported",
    errors.UnreadableImageError: "unreadable",
    errors.BlankImageError: "blank",
    OverloadedError: "overloaded",
}
ANSWERED = "answered"


class ImageMetrics:
    """What is counted of uploaded images."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._images = Counter(
            "api_images", "Images that were sent, by what became of them.", ("outcome",), registry=registry
        )
        self._classes = Counter(
            "api_image_classes", "Images answered, by the predicted class.", ("predicted_class",), registry=registry
        )
        self._confidence = Histogram(
            "api_image_confidence", "Confidence of the answers.", buckets=CONFIDENCE, registry=registry
        )
        self._decoding = Histogram(
            "api_image_decode_seconds",
            "Time to decode an image, without the wait for a thread.",
            buckets=DECODE_SECONDS,
            registry=registry,
        )
        for outcome in (ANSWERED, *OUTCOMES.values()):
            self._images.labels(outcome)

    def answered(self, predicted_class: int, confidence: float) -> None:
        """Count an image that was answered."""
        self._images.labels(ANSWERED).inc()
        self._classes.labels(str(predicted_class)).inc()
        self._confidence.observe(confidence)

    def refused(self, error: ApiError) -> None:
        """Count an image that was refused, if it is for a reason of images."""
        outcome = OUTCOMES.get(type(error))
        if outcome is not None:
            self._images.labels(outcome).inc()

    def decoded(self, seconds: float) -> None:
        """Count the time that one image took."""
        self._decoding.observe(seconds)
