"""What Prometheus reads at `/metrics`."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from api.derived import DerivedModel
from api.model.model import Model

LATENCY_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
BATCH_ROWS = (1, 10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = Counter(
            "api_requests", "Requests answered, by endpoint and status.", ("endpoint", "status"), registry=self.registry
        )
        self._latency = Histogram(
            "api_request_seconds",
            "Time from a request's head to the end of its answer, by endpoint.",
            ("endpoint",),
            buckets=LATENCY_SECONDS,
            registry=self.registry,
        )
        self._rows = Counter(
            "api_rows_predicted", "Rows predicted, by model and version.", ("model", "version"), registry=self.registry
        )
        self._batch = Histogram(
            "api_batch_rows", "Rows a prediction, by model.", ("model",), buckets=BATCH_ROWS, registry=self.registry
        )
        self._served = Gauge(
            "api_model_info",
            "1 for the version that is served of each model.",
            ("model", "version"),
            registry=self.registry,
        )

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(endpoint, str(status)).inc()
        self._latency.labels(endpoint).observe(seconds)

    def predicted(self, model: Model | DerivedModel, rows: int) -> None:
        """Count the rows of one prediction."""
        description = model.description
        self._rows.labels(description.name, description.version).inc(rows)
        self._batch.labels(description.name).observe(rows)

    def serving(self, model: Model, instead_of: str | None) -> None:
        """Show which version of a model is served, and that another one is not any more."""
        description = model.description
        if instead_of is not None:
            self._served.remove(description.name, instead_of)
        self._served.labels(description.name, description.version).set(1)
