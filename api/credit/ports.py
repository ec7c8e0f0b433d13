"""What the credit endpoints ask of the cache and of the monitoring database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class RecordedAnswer:
    """One answered request, as it is kept for monitoring."""

    endpoint: str
    """`decisions`, `probabilities` or `risk_categories`."""
    features: dict[str, int | float | str]
    """The application, by the names of the request."""
    response: str | float
    """The answer's value."""
    cache_hit: bool
    model_version: str
    request_id: str
    """A UUID as text, which is the response header X-Request-ID too."""
    received_at: datetime
    """When the application was understood; UTC."""
    latency_ms: float
    """From then until the answer was there to be sent."""


class AnswerCache(Protocol):
    """Answers that were given before: a key an application and model version, a field an endpoint."""

    async def read(self, key: str, field: str, fits: Callable[[bytes], bool] | None = None) -> bytes | None:
        """The answer, or None for a miss, whatever its reason, one that does not fit among them; never raises."""

    def write(self, key: str, field: str, value: bytes) -> None:
        """Keep an answer; never waits, never raises."""


class AnswerRecorder(Protocol):
    """Keeps every answered request."""

    def record(self, answered: RecordedAnswer) -> None:
        """Take one; never waits, never raises."""
