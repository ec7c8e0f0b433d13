"""What Prometheus sees of a pipeline."""

from __future__ import annotations

import time
from collections import Counter as Counted
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from subscriber.batch import committed_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from subscriber.batch import Batch

# 1 ms to 32 s, eight to a factor of ten: an interpolated quantile is within 15 % of the true one
LATENCY_BUCKETS: Final = tuple(round(10 ** (i / 8 - 3), 6) for i in range(37))
STAGE_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# of a large batch, this many rows evenly spaced stand for all in the latency histogram
SAMPLED_ROWS: Final = 50


class Registry:
    """The metrics of all pipelines of this process; `pipeline` is a label of each."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        one, r = ["pipeline"], self.registry
        self.rows = Counter("subscriber_rows", "Rows stored, by result.", [*one, "result"], registry=r)
        self.dead = Counter("subscriber_dead_letters", "Dead letters stored, by cause.", [*one, "cause"], registry=r)
        self.failed_rows = Counter(
            "subscriber_failed_rows", "Rows stored without a prediction, by cause.", [*one, "cause"], registry=r
        )
        self.skipped = Counter("subscriber_skipped_messages", "Messages that had a receipt.", one, registry=r)
        self.batches = Counter("subscriber_batches", "Batches stored.", one, registry=r)
        self.batch_rows = Histogram(
            "subscriber_batch_rows", "Rows a batch.", one, buckets=(1, 10, 100, 1000, 2500, 5000, 10000), registry=r
        )
        self.retries = Counter(
            "subscriber_retries", "Tries that failed and were repeated.", [*one, "stage"], registry=r
        )
        self.stage = Histogram(
            "subscriber_stage_seconds", "Time of a stage a batch.", [*one, "stage"], buckets=STAGE_BUCKETS, registry=r
        )
        self.latency = Histogram(
            "subscriber_commit_to_prediction_seconds",
            "From the row's commit in the source to its prediction's commit in the target; large batches are sampled.",
            one,
            buckets=LATENCY_BUCKETS,
            registry=r,
        )
        self.lag = Gauge("subscriber_lag", "Offsets not stored yet.", [*one, "partition"], registry=r)
        self.rebalances = Counter("subscriber_rebalances", "Partitions given or taken.", one, registry=r)
        self.fenced = Counter("subscriber_fenced", "Batches another owner had overtaken.", one, registry=r)
        self.trimmed = Counter("subscriber_trimmed_rows", "Old rows deleted.", [*one, "table"], registry=r)
        self.ready = Gauge("subscriber_ready", "1 while rows that arrive are predicted.", one, registry=r)
        self.failed = Gauge("subscriber_failed", "1 once something must be changed first.", one, registry=r)
        self.model = Gauge(
            "subscriber_model", "1 for the model version that answered last.", [*one, "version"], registry=r
        )


class Metrics:
    """One pipeline's view of the registry."""

    def __init__(self, registry: Registry, pipeline: str) -> None:
        self._registry = registry
        self._pipeline = pipeline
        self.rebalances = registry.rebalances.labels(pipeline)
        self.fenced = registry.fenced.labels(pipeline)
        self.ready = registry.ready.labels(pipeline)
        self.failed = registry.failed.labels(pipeline)
        self._predicted = registry.rows.labels(pipeline, "predicted")
        self._dead = registry.rows.labels(pipeline, "dead")
        self._failed = registry.rows.labels(pipeline, "failed")
        self._skipped = registry.skipped.labels(pipeline)
        self._deletes = registry.rows.labels(pipeline, "deleted")
        self._batches = registry.batches.labels(pipeline)
        self._batch_rows = registry.batch_rows.labels(pipeline)
        self._latency = registry.latency.labels(pipeline)
        self._stages = {s: registry.stage.labels(pipeline, s) for s in ("decode", "predict", "store")}
        self._retries = {s: registry.retries.labels(pipeline, s) for s in ("start", "predict", "store")}
        self._version: str | None = None

    def stage(self, name: str, seconds: float) -> None:
        self._stages[name].observe(seconds)

    def retried(self, stage: str) -> None:
        self._retries[stage].inc()

    def stored(self, batch: Batch) -> None:
        """Count a batch that is in the database."""
        rows = batch.records
        self._predicted.inc(len(rows))
        self._deletes.inc(len(batch.deletes))
        self._batches.inc()
        self._batch_rows.observe(len(rows) + len(batch.failed) + len(batch.dead))
        self._skipped.inc(batch.skipped)
        self._failed.inc(len(batch.failed))
        for cause, count in Counted(failed.cause for failed in batch.failed).items():
            self._registry.failed_rows.labels(self._pipeline, cause).inc(count)
        for letter in batch.dead:
            self._dead.inc()
            self._registry.dead.labels(self._pipeline, letter.cause).inc()
        now = time.time()
        for i in range(0, len(rows), -(-len(rows) // SAMPLED_ROWS) or 1):
            committed = committed_at(rows[i], batch.rows[i])
            if committed is not None:
                self._latency.observe(max(0.0, now - committed))
        if batch.versions and batch.versions[-1] != self._version:
            self._model(batch.versions[-1])

    def trimmed(self, table: str, rows: int) -> None:
        """Count old rows that were deleted."""
        self._registry.trimmed.labels(self._pipeline, table).inc(rows)

    def set_lag(self, partition: int, lag: int) -> None:
        """Set the lag of a partition, in offsets."""
        self._registry.lag.labels(self._pipeline, partition).set(lag)

    def forget_lag(self, partition: int) -> None:
        self._registry.lag.remove_by_labels({"pipeline": self._pipeline, "partition": str(partition)})

    def lags(self) -> dict[int, int]:
        """Lag of each partition of ours, in offsets."""
        return {int(labels["partition"]): int(value) for labels, value in self._own(self._registry.lag)}

    def retries(self) -> dict[str, int]:
        """Tries that were repeated, by stage."""
        return {labels["stage"]: int(value) for labels, value in self._own(self._registry.retries)}

    def _own(self, metric: Counter | Gauge) -> Iterator[tuple[dict[str, str], float]]:
        """Labels and value of this pipeline's samples."""
        for family in metric.collect():
            for sample in family.samples:
                # a counter has the time of its making beside it
                if sample.labels.get("pipeline") == self._pipeline and not sample.name.endswith("_created"):
                    yield sample.labels, sample.value

    def _model(self, version: str | None) -> None:
        if self._version is not None:
            self._registry.model.remove(self._pipeline, self._version)
        self._version = version
        if version is not None:
            self._registry.model.labels(self._pipeline, version).set(1)
