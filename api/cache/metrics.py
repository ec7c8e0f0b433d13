from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

READ_SECONDS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)


class CacheMetrics:
    """What is counted of the cache. `field` is the endpoint that an answer is for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reads = Counter(
            "api_cache_reads",
            "Answers looked up in the cache, by endpoint and result: hit, miss.",
            ("endpoint", "result"),
            registry=registry,
        )
        self._seconds = Histogram(
            "api_cache_read_seconds", "Time of a look into the cache.", buckets=READ_SECONDS, registry=registry
        )
        self._errors = Counter(
            "api_cache_errors",
            "What failed in the cache, by operation (read, write, probe) and kind; a failed read is a miss, too.",
            ("operation", "kind"),
            registry=registry,
        )
        self._writes = Counter(
            "api_cache_writes",
            "Answers to be kept, by result: stored, failed, dropped (the queue was full, or the cache away).",
            ("result",),
            registry=registry,
        )
        self._waiting = Gauge("api_cache_waiting", "Answers that wait to be written.", registry=registry)
        self._open = Gauge(
            "api_cache_open",
            "1 while the cache does not answer, and is not asked (the circuit breaker is open).",
            registry=registry,
        )

    def read(self, field: str, hit: bool, seconds: float) -> None:
        """Count one look."""
        self._reads.labels(field, "hit" if hit else "miss").inc()
        self._seconds.observe(seconds)

    def failed(self, operation: str, kind: str, count: int = 1) -> None:
        self._errors.labels(operation, kind).inc(count)

    def written(self, result: str, answers: int = 1) -> None:
        self._writes.labels(result).inc(answers)

    def waiting(self, answers: int) -> None:
        self._waiting.set(answers)

    def opened(self, is_open: bool) -> None:
        self._open.set(is_open)
