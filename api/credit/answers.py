"""From a validated application to the answer of one endpoint."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from api.cache.keys import answer_key
from api.cache.read_through import ReadThrough
from api.credit.endpoint import Endpoint
from api.credit.ports import AnswerCache, AnswerRecorder, RecordedAnswer
from api.credit.schemas import CreditApplication
from api.errors import BrokenModelError, ModelAwaitedError, UnfitValueError, UnknownModelError
from api.model.categories import indices
from api.model.model import Columns, Model
from api.service import Service

MODEL = "credit"


@dataclass(frozen=True)
class Answered:
    """An answer: the JSON that is sent, and what is to be kept of it once it was."""

    body: bytes
    model_version: str
    cache_hit: bool
    recorded: RecordedAnswer
    cache_key: str | None = None
    """Where the answer is to be kept, if it is not there already and this request is the one to keep it."""


class CreditAnswers:
    """Answers from the cache, else from the model; with neither cache nor recorder it only computes."""

    def __init__(
        self, service: Service, cache: AnswerCache | None = None, recorder: AnswerRecorder | None = None
    ) -> None:
        self._service = service
        self._cache = cache
        self._through = None if cache is None else ReadThrough(cache)
        self._recorder = recorder

    async def answer(self, endpoint: Endpoint, application: CreditApplication, request_id: str) -> Answered:
        """Answer one application; nothing is written by this, see `keep`.

        Raises:
            ModelAwaitedError: no credit model is served yet.
            OverloadedError: too many predictions are in hand.
            ModelError: the model that is served is at fault, or not one of these features and outputs.
        """
        received_at, began = datetime.now(UTC), time.perf_counter()
        features = application.features()
        model = await self._model()
        version = model.description.version

        async def compute() -> bytes:
            return await self._compute(model, features, endpoint)

        if self._through is None:
            body, hit, key = await compute(), False, None
        else:
            name = answer_key(MODEL, version, features)
            body, hit, to_write = await self._through.get(name, endpoint, compute, endpoint.fits)
            key = name if to_write else None
        recorded = RecordedAnswer(
            endpoint=str(endpoint),
            features=features,
            response=endpoint.answer(body),
            cache_hit=hit,
            model_version=version,
            request_id=request_id,
            received_at=received_at,
            latency_ms=(time.perf_counter() - began) * 1000,
        )
        return Answered(body, version, hit, recorded, key)

    def keep(self, answered: Answered) -> None:
        """Hand an answer that was sent to the cache and to the recorder, neither of which waits."""
        if self._cache is not None and answered.cache_key is not None:
            self._cache.write(answered.cache_key, answered.recorded.endpoint, answered.body)
        if self._recorder is not None:
            self._recorder.record(answered.recorded)

    async def _model(self) -> Model:
        try:
            return await self._service.model(MODEL)
        except UnknownModelError as error:
            raise ModelAwaitedError(MODEL) from error

    async def _compute(self, model: Model, features: Mapping[str, Any], endpoint: Endpoint) -> bytes:
        answers = await self._service.predict_in_thread(model, columns(model, features))
        if endpoint.output not in answers:
            raise BrokenModelError(f"model '{MODEL}' has no output '{endpoint.output}'")
        body = msgspec.json.encode({endpoint.output: answers[endpoint.output].tolist()[0]})
        if not endpoint.fits(body):
            raise BrokenModelError(
                f"model '{MODEL}' has an output '{endpoint.output}' that is no answer of /{endpoint}"
            )
        return body


def columns(model: Model, features: Mapping[str, Any]) -> Columns:
    """One application as the columns of the model, each of shape [1].

    Raises:
        BrokenModelError: the model is not one of these features, or does not know a category.
    """
    described = model.description.features
    if {feature.name for feature in described} != features.keys():
        raise BrokenModelError(f"model '{MODEL}' does not take {', '.join(features)}")
    try:
        return {
            feature.name: indices(feature, [features[feature.name]])
            if feature.categories
            else np.array([float(features[feature.name])])
            for feature in described
        }
    except UnfitValueError as error:
        raise BrokenModelError(f"model '{MODEL}' does not take what its endpoints do: {error}") from error
