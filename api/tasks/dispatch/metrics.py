from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge


class DispatchMetrics:
    """What becomes of tasks, by model; the numbers of this process alone, but for those on their way."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._made = Counter("api_tasks_made", "Tasks taken in, by model.", ("model",), registry=registry)
        self._ended = Counter(
            "api_tasks_ended", "Tasks that ended, by model and status.", ("model", "status"), registry=registry
        )
        self._rows = Counter(
            "api_task_rows",
            "Rows of tasks, by model and whether they have a prediction.",
            ("model", "result"),
            registry=registry,
        )
        self._flying = Gauge(
            "api_task_rows_flying", "Rows of tasks on their way through Kafka.", ("model",), registry=registry
        )
        self._window = Gauge(
            "api_task_rows_window", "Rows of tasks that may be on their way.", ("model",), registry=registry
        )

    def made(self, model: str) -> None:
        """Count a task."""
        self._made.labels(model).inc()

    def ended(self, model: str, status: str) -> None:
        """Count a task's end."""
        self._ended.labels(model, status).inc()

    def finished(self, model: str, done: int, failed: int) -> None:
        """Count the rows of a chunk."""
        self._rows.labels(model, "done").inc(done)
        self._rows.labels(model, "failed").inc(failed)

    def flying(self, rows: Mapping[str, int], windows: Mapping[str, int]) -> None:
        """Show what is on its way now, and what may be."""
        for model in {*rows, *windows}:
            self._flying.labels(model).set(rows.get(model, 0))
        for model, window in windows.items():
            self._window.labels(model).set(window)
