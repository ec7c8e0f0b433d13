import time
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.archive.line import Line

UPLOAD_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class ArchiveMetrics:
    """What becomes of the images that were answered.

    Each waits, in the spool or in memory, until it is stored, refused or lost.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waiting = Gauge(
            "api_archive_waiting",
            "Images that wait for the store, by place: spool, memory (the spool takes no more).",
            ("place",),
            registry=registry,
        )
        self.waiting_bytes = Gauge(
            "api_archive_waiting_bytes", "Their size, by place: spool, memory.", ("place",), registry=registry
        )
        self.oldest_seconds = Gauge(
            "api_archive_oldest_seconds", "Age of the oldest image that waits; 0 without one.", registry=registry
        )
        self.uploads = Counter(
            "api_archive_uploads",
            "Tries to store an image, by outcome: stored, found (an earlier try had stored it), failed (tried again).",
            ("outcome",),
            registry=registry,
        )
        self.failures = Counter(
            "api_archive_failures",
            "What the store failed at, by operation (upload, fetch, tag) and kind: unreachable, timeout, server, "
            "credentials, bucket, object, other.",
            ("operation", "kind"),
            registry=registry,
        )
        self.upload_seconds = Histogram(
            "api_archive_upload_seconds",
            "Time of an upload that succeeded.",
            buckets=UPLOAD_SECONDS,
            registry=registry,
        )
        self.connected = Gauge(
            "api_archive_connected", "1 while the store takes images, 0 after a failure.", registry=registry
        )
        self.spool_failures = Counter(
            "api_archive_spool_failures",
            "Images that the spool did not take, by reason: full, closed, other. They wait in memory.",
            ("reason",),
            registry=registry,
        )
        self.adopted = Counter(
            "api_archive_adopted", "Images found in the spool of a process that has ended.", registry=registry
        )
        self.lost = Counter(
            "api_archive_lost",
            "Images lost or set aside: no room in the spool nor in memory (full), still in memory at the end (end), "
            "unreadable (damaged), never taken by the store (refused).",
            ("reason",),
            registry=registry,
        )
        for outcome in ("stored", "found", "failed"):
            self.uploads.labels(outcome)
        for reason in ("full", "closed", "other"):
            self.spool_failures.labels(reason)
        for reason in ("full", "end", "damaged", "refused"):
            self.lost.labels(reason)

    def show(self, line: Line) -> None:
        """Count what waits whenever the metrics are read."""
        for place, in_memory in (("spool", False), ("memory", True)):
            self.waiting.labels(place).set_function(partial(_images, line, in_memory))
            self.waiting_bytes.labels(place).set_function(partial(_bytes, line, in_memory))
        self.oldest_seconds.set_function(partial(_age, line))


def _images(line: Line, in_memory: bool) -> float:
    return line.count(in_memory=in_memory).images


def _bytes(line: Line, in_memory: bool) -> float:
    return line.count(in_memory=in_memory).bytes


def _age(line: Line) -> float:
    oldest = line.oldest()
    return max(0.0, time.time() - oldest) if oldest is not None else 0.0
