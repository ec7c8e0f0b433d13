import asyncio
import json
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.pipeline import Pipeline

from api.errors import ApiError, OverloadedError, UnknownModelError
from api.failures import STATUS
from api.metrics import Metrics
from api.model.description import Description
from api.model.model import Model
from api.model.registry import Registry
from api.service import Service
from api.settings import Settings

BODY = json.dumps(
    {"inputs": [{"name": "rows", "shape": [1, 4], "datatype": "FP64", "data": [5.1, 3.5, 1.4, 0.2]}]}
).encode()


class Gate:
    """An estimator that predicts once it is let through."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def predict(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        assert self.opened.wait(timeout=10)
        return np.zeros(len(rows), dtype=np.int64)


def test_large_batches_leave_the_loop_free_and_are_bounded(
    models_dir: Path, trained: tuple[Description, Pipeline]
) -> None:
    gate = Gate()
    model = Model(trained[0], gate)
    settings = Settings(models_dir=models_dir, inline_body_bytes=0, prediction_threads=1, max_waiting_batches=2)
    service = Service(settings, Registry(models_dir), Metrics())

    async def scenario() -> list[bytes]:
        # Given two large batches, one predicted and one waiting
        batches = [asyncio.create_task(service.infer(model, BODY)) for _ in range(2)]
        await asyncio.sleep(0)

        # When a third comes, then it is turned away while the loop still runs
        with pytest.raises(OverloadedError, match="2 batches wait"):
            await service.infer(model, BODY)

        # And once the first two are through, there is room again
        gate.opened.set()
        return [*await asyncio.gather(*batches), await service.infer(model, BODY)]

    answers = asyncio.run(scenario())
    service.close()
    assert len(answers) == 3
    assert service.metrics.registry.get_sample_value("api_batch_rows_count", {"model": "iris"}) == 3


def test_the_model_info_follows_a_refresh(models_dir: Path, trained: tuple[Description, Pipeline]) -> None:
    service = Service(Settings(models_dir=models_dir), Registry(models_dir), Metrics())
    service.refresh()
    labels = {"model": "iris", "version": trained[0].version}
    assert service.metrics.registry.get_sample_value("api_model_info", labels) == 1
    service.close()


def test_an_unknown_model_is_told(models_dir: Path) -> None:
    service = Service(Settings(models_dir=models_dir), Registry(models_dir), Metrics())
    for name, version in (("absent", None), ("absent", "v1"), ("..", ".."), ("iris", "absent")):
        with pytest.raises(UnknownModelError):
            asyncio.run(service.model(name, version))
    service.close()


def _leaves(kind: type[ApiError]) -> list[type[ApiError]]:
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in _leaves(child)] if below else [kind]


def test_every_error_has_a_status() -> None:
    assert set(_leaves(ApiError)) == set(STATUS)
