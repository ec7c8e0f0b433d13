"""One pipeline as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from subscriber.console.state import state, waiting

if TYPE_CHECKING:
    from subscriber.console.view import View
    from subscriber.health import Health
    from subscriber.metrics import Metrics


@dataclass(frozen=True)
class Watched:
    """A running pipeline: how it is, what it counts, and which rows it stored."""

    health: Health
    metrics: Metrics
    view: View

    def about(self) -> dict[str, Any]:
        """What does not change while it runs."""
        pipeline = self.view.pipeline
        return {
            "topic": pipeline.topic,
            "group": pipeline.group,
            "model": pipeline.model.versioned_url,
            "table": f"{pipeline.target.schema_}.{pipeline.target.table}",
            "features": [feature.column for feature in pipeline.features],
            "outputs": list(pipeline.target.outputs.values()),
            "truth": pipeline.truth.column if pipeline.truth else None,
            "key": pipeline.source.key,
        }

    def tick(self) -> dict[str, Any]:
        """End a second and return what the page shows of it."""
        view, health = self.view, self.health.snapshot()
        lags = self.metrics.lags()
        second = view.tick(sum(lags.values()) if lags else None)
        return {
            "second": second,
            "recent": view.recent(),
            "state": state(health, view.pipeline.topic, view.flowing, view.rows, second),
            "waiting": waiting(health),
            "troubles": health["troubles"],
            "partitions": [[p, lags.get(p)] for p in health["partitions"]],
            "totals": {
                **{"rows": view.rows, "deleted": view.deleted, "failed": view.failed},
                "retries": self.metrics.retries(),
            },
            "version": view.version,
            "answers": view.answers(),
            "causes": view.causes(),
            "letters": view.newest_letters(),
            "last": view.last(),
        }

    def history(self) -> dict[str, list[Any]]:
        """The last ten minutes, one list a figure."""
        names = ("at", "rows", "dead", "p50", "p95", "p99", "lag")
        seconds = list(self.view.history)
        return {name: [getattr(second, name) for second in seconds] for name in names}
