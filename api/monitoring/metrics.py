from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

WRITE_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class MonitoringMetrics:
    """What becomes of answered requests.

    Each answer is written, spilled, dropped, or still queued; a spilled one is later replayed, or dropped as unreadable
    or refused.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.queued = Gauge("api_monitoring_queued", "Answers that wait in memory.", registry=registry)
        self.written = Counter(
            "api_monitoring_written", "Answers written to the database straight from memory.", registry=registry
        )
        self.spilled = Counter(
            "api_monitoring_spilled", "Answers put to the file because the database was away.", registry=registry
        )
        self.replayed = Counter(
            "api_monitoring_replayed", "Answers written to the database from a file.", registry=registry
        )
        self.dropped = Counter(
            "api_monitoring_dropped",
            "Answers lost: no room (full), not taken by the tables (refused), unreadable in a file (corrupt), or come "
            "after the end (closed).",
            ("reason",),
            registry=registry,
        )
        for reason in ("full", "refused", "corrupt", "closed"):
            self.dropped.labels(reason)
        self.spill_bytes = Gauge("api_monitoring_spill_bytes", "Size of the files of this process.", registry=registry)
        self.oldest_seconds = Gauge(
            "api_monitoring_oldest_seconds",
            "Age of the oldest answer that is not in the database yet; 0 without one.",
            registry=registry,
        )
        self.connected = Gauge(
            "api_monitoring_connected", "1 while the monitoring database takes answers.", registry=registry
        )
        self.write_seconds = Histogram(
            "api_monitoring_write_seconds", "Time of a batch's transaction.", buckets=WRITE_SECONDS, registry=registry
        )
