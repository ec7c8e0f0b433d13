from prometheus_client import CollectorRegistry, Counter


class CallbackMetrics:
    """What becomes of callbacks; the numbers of this process alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._tries = Counter(
            "api_task_callbacks",
            "Tries of callbacks, by what became of them: delivered, failed (tried again later), given_up.",
            ("result",),
            registry=registry,
        )
        for result in ("delivered", "failed", "given_up"):
            self._tries.labels(result)

    def tried(self, result: str) -> None:
        """Count one try."""
        self._tries.labels(result).inc()
