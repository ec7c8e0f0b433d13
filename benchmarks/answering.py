"""The model API with a model that takes longer: `MODEL_MS=50 python -m benchmarks.answering`.

Everything else is `python -m api`, with its settings. The model sleeps in its thread, so that what is measured does not
hang on what else the machine does; with MODEL_MS=0 it is the credit model as it is.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from api.app import create_app
from api.cache.cache import cache_from_settings
from api.cache.settings import CacheSettings
from api.logs import configure_logging
from api.metrics import Metrics
from api.model.model import Columns, Model
from api.model.registry import Registry
from api.server import leave_on_signals, listen, serve
from api.service import Service
from api.settings import Settings

if TYPE_CHECKING:
    from api.model.outputs import Answers


class LateModel(Model):
    """A model whose every prediction takes so many seconds more."""

    def __init__(self, model: Model, seconds: float) -> None:
        self.description = model.description
        self._model = model
        self._seconds = seconds

    def predict(self, columns: Columns) -> Answers:
        time.sleep(self._seconds)
        return self._model.predict(columns)


class LateService(Service):
    """Serves each model late."""

    def __init__(self, settings: Settings, registry: Registry, metrics: Metrics, seconds: float) -> None:
        super().__init__(settings, registry, metrics)
        self._seconds = seconds

    async def model(self, name: str, version: str | None = None) -> Model:
        return LateModel(await super().model(name, version), self._seconds)


def main() -> None:
    """Serve until told to stop."""
    leave_on_signals()
    configure_logging("warning")
    settings, seconds = Settings(), float(os.environ.get("MODEL_MS", "0")) / 1000
    registry, metrics = Registry(settings.models_dir), Metrics()
    service = LateService(settings, registry, metrics, seconds) if seconds else Service(settings, registry, metrics)
    service.refresh()
    app = create_app(service, cache_from_settings(CacheSettings(), metrics.registry))
    serve(app, listen(settings.api_host, settings.api_port), settings)


if __name__ == "__main__":
    main()
