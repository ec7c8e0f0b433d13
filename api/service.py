import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog
from starlette.requests import Request

from api.derived import Derived, DerivedModel
from api.errors import ModelError, OverloadedError, UnknownModelError
from api.metrics import Metrics
from api.model.description import Description
from api.model.model import Columns, Model
from api.model.outputs import Answers
from api.model.registry import Registry
from api.protocol.inference import Answer, infer
from api.settings import Settings

log = structlog.get_logger()


class Service:
    """What the routes share: the models in memory, and where a prediction runs.

    A small batch runs on the event loop, where it is done before a thread would have woken up. A large one runs in one
    of a few threads, so that health checks and single rows are answered meanwhile.
    """

    def __init__(self, settings: Settings, registry: Registry, metrics: Metrics) -> None:
        self.settings = settings
        self.registry = registry
        self.metrics = metrics
        self._threads = ThreadPoolExecutor(settings.prediction_threads, thread_name_prefix="prediction")
        self._waiting = 0
        self._waiting_rows = 0
        self._watchers: dict[str, Callable[[Description], None]] = {}
        self._derived: dict[str, Derived] = {}

    def derive(self, name: str, derived: Derived) -> None:
        """Serve one more model under this name, made of another one."""
        self._derived[name] = derived

    def when_served(self, name: str, watcher: Callable[[Description], None]) -> None:
        """Tell of the version of a model that is served, now and whenever another one comes to be."""
        self._watchers[name] = watcher
        model = self.registry.served(name)
        if model is not None:
            watcher(model.description)

    async def model(self, name: str, version: str | None = None) -> Model:
        """Return a model; one that is not in memory is read from disk in a thread.

        Raises:
            UnknownModelError: there is no such model or version.
            ModelError: it is there, but cannot be loaded.
        """
        model = self.registry.served(name, version)
        if model is not None:
            return model
        if version is None:
            raise UnknownModelError(f"there is no model '{name}'")
        return await asyncio.to_thread(self.registry.load, name, version)

    async def answering(self, name: str, version: str | None = None) -> Model | DerivedModel:
        """Return a model as `model` does, or one that is derived of another.

        Raises:
            UnknownModelError, ModelError: as `model` raises them.
        """
        derived = self._derived.get(name)
        if derived is None:
            return await self.model(name, version)
        try:
            return derived.of(await self.model(derived.base, version))
        except UnknownModelError as error:
            raise UnknownModelError(f"there is no model '{name}': {error}") from error

    def served(self) -> list[str]:
        """Name every model that is served, derived ones too."""
        names = {model.description.name for model in self.registry.current_models()}
        return sorted(names | {name for name, derived in self._derived.items() if derived.base in names})

    def versions(self, name: str) -> list[str]:
        """The versions of a model that can be asked for; reads the disk."""
        derived = self._derived.get(name)
        return self.registry.versions(derived.base if derived else name)

    def predict(self, model: Model, columns: Columns) -> Answers:
        """Predict a few rows, at once."""
        answers = model.predict(columns)
        self.metrics.predicted(model, _count(columns))
        return answers

    async def predict_in_thread(self, model: Model, columns: Columns) -> Answers:
        """Predict a few rows in a thread: for a model that takes milliseconds a row.

        Raises:
            OverloadedError: too many rows are in hand.
            UnfitValueError, PredictionError: as `Model.predict` raises them.
        """
        if self._waiting_rows >= self.settings.max_waiting_rows:
            raise OverloadedError(self._waiting_rows, "rows")
        self._waiting_rows += 1
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._threads, model.predict, columns)
        finally:
            self._waiting_rows -= 1
        self.metrics.predicted(model, _count(columns))
        return answers

    async def infer(self, model: Model | DerivedModel, body: bytes) -> bytes:
        """Answer an inference request with an encoded inference response.

        Raises:
            RequestError: the request is at fault.
            OverloadedError: too many large batches are in hand.
            PredictionError: the model is at fault.
        """
        max_rows = self.settings.max_rows
        if not isinstance(model, Model):
            answer = await model.infer(body)
        elif len(body) <= self.settings.inline_body_bytes:
            answer = infer(model, body, max_rows)
        else:
            answer = await self._infer_in_thread(model, body, max_rows)
        self.metrics.predicted(model, answer.rows)
        return answer.body

    async def _infer_in_thread(self, model: Model, body: bytes, max_rows: int) -> Answer:
        if self._waiting >= self.settings.max_waiting_batches:
            raise OverloadedError(self._waiting)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, infer, model, body, max_rows)
        finally:
            self._waiting -= 1

    async def follow_pointers(self) -> None:
        """Serve newly trained versions as they appear, until cancelled."""
        complaint = ""
        while True:
            await asyncio.sleep(self.settings.model_refresh_seconds)
            try:
                await asyncio.to_thread(self.refresh)
                complaint = ""
            # The version served so far goes on; what is wrong on disk is said once, not every second.
            except (ModelError, OSError) as error:
                if str(error) != complaint:
                    complaint = str(error)
                    log.error("model not replaced", reason=complaint)

    def refresh(self) -> None:
        """Follow every model's `current` pointer once.

        Raises:
            ModelError: a pointer cannot be followed; the models before it, by name, have been.
        """
        for name in self.registry.names():
            before = self.registry.served(name)
            model = self.registry.refresh(name)
            if model is not None:
                self.metrics.serving(model, before.description.version if before else None)
                if name in self._watchers:
                    self._watchers[name](model.description)
                log.info("model served", model=name, version=model.description.version)

    def close(self) -> None:
        """Let the prediction threads finish."""
        self._threads.shutdown()


def _count(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def service_of(request: Request) -> Service:
    """Return the service that answers a request."""
    service: Service = request.app.state.service
    return service
