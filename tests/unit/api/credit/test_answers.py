"""What the endpoints' core computes, asks of the cache, and hands on once an answer was sent."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from api.credit.answers import CreditAnswers
from api.credit.endpoint import Endpoint
from api.credit.ports import RecordedAnswer
from api.credit.schemas import APPLICATION, CreditApplication
from api.errors import BrokenModelError, ModelAwaitedError, OverloadedError
from api.metrics import Metrics
from api.model import artifact
from api.model.description import Description
from api.model.registry import Registry
from api.service import Service
from api.settings import Settings
from api.training import credit, iris

Stored = dict[tuple[str, str], bytes]


class Shelf:
    """An AnswerCache in memory."""

    def __init__(self) -> None:
        self.stored: Stored = {}

    async def read(self, key: str, field: str, fits: Callable[[bytes], bool] | None = None) -> bytes | None:
        await asyncio.sleep(0)
        kept = self.stored.get((key, field))
        return kept if kept is None or fits is None or fits(kept) else None

    def write(self, key: str, field: str, value: bytes) -> None:
        self.stored[key, field] = value


class Book:
    """An AnswerRecorder in memory."""

    def __init__(self) -> None:
        self.answers: list[RecordedAnswer] = []

    def record(self, answered: RecordedAnswer) -> None:
        self.answers.append(answered)


@pytest.fixture(scope="module")
def described() -> Description:
    return credit.train()[0]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    description, model = credit.train()
    artifact.save(tmp_path, description, model)
    artifact.serve_version(tmp_path, description.name, description.version)
    service = Service(Settings(models_dir=tmp_path, max_waiting_rows=2), Registry(tmp_path), Metrics())
    service.refresh()
    yield service
    service.close()


def _predicted(service: Service) -> float:
    return service.metrics.registry.get_sample_value("api_batch_rows_count", {"model": "credit"}) or 0.0


def test_without_cache_and_recorder_it_computes(service: Service, described: Description) -> None:
    answers = CreditAnswers(service)
    application = CreditApplication.model_validate(APPLICATION)

    first = asyncio.run(answers.answer(Endpoint.DECISIONS, application, "id"))
    answers.keep(first)
    again = asyncio.run(answers.answer(Endpoint.DECISIONS, application, "id"))

    assert (first.body, first.model_version) == (b'{"decision":"ACCEPT"}', described.version)
    assert (first.cache_hit, again.cache_hit) == (False, False)
    assert _predicted(service) == 2


def test_what_was_kept_is_a_hit_for_equal_inputs_of_that_endpoint_alone(service: Service) -> None:
    # Given an answer that was sent and kept
    shelf = Shelf()
    answers = CreditAnswers(service, cache=shelf)
    application = CreditApplication.model_validate(APPLICATION)
    first = asyncio.run(answers.answer(Endpoint.PROBABILITIES, application, "a"))
    assert not shelf.stored
    answers.keep(first)

    # When the same is asked, written differently, then it is a hit and nothing is computed or kept again
    other = CreditApplication.model_validate(dict(reversed(APPLICATION.items())) | {"age_in_years": 35.0})
    second = asyncio.run(answers.answer(Endpoint.PROBABILITIES, other, "b"))
    assert (second.cache_hit, second.body, second.cache_key) == (True, first.body, None)
    assert _predicted(service) == 1

    # But another endpoint's answer to it is a miss
    third = asyncio.run(answers.answer(Endpoint.DECISIONS, other, "c"))
    answers.keep(third)
    assert not third.cache_hit
    assert sorted(field for _, field in shelf.stored) == ["decisions", "probabilities"]
    assert len({key for key, _ in shelf.stored}) == 1


def test_what_is_asked_twice_at_once_is_computed_once_and_recorded_twice(service: Service) -> None:
    shelf, book = Shelf(), Book()
    answers = CreditAnswers(service, shelf, book)
    application = CreditApplication.model_validate(APPLICATION)

    async def both() -> None:
        pair = await asyncio.gather(
            *(answers.answer(Endpoint.DECISIONS, application, request_id) for request_id in ("a", "b"))
        )
        assert not book.answers
        for answered in pair:
            answers.keep(answered)

    asyncio.run(both())
    assert _predicted(service) == 1
    assert [(answer.request_id, answer.cache_hit) for answer in book.answers] == [("a", False), ("b", False)]


@pytest.mark.parametrize("endpoint", Endpoint)
def test_what_is_recorded_is_the_request_and_its_answer(service: Service, endpoint: Endpoint) -> None:
    shelf, book = Shelf(), Book()
    answers = CreditAnswers(service, shelf, book)
    application = CreditApplication.model_validate(APPLICATION)
    before = datetime.now(UTC)

    for request_id in ("first", "second"):
        answered = asyncio.run(answers.answer(endpoint, application, request_id))
        answers.keep(answered)

    miss, hit = book.answers
    assert (miss.cache_hit, hit.cache_hit) == (False, True)
    assert (miss.request_id, hit.request_id) == ("first", "second")
    for recorded in book.answers:
        assert recorded.endpoint == endpoint.value
        assert recorded.features == APPLICATION
        assert recorded.response == msgspec.json.decode(answered.body)[endpoint.output]
        assert recorded.model_version == answered.model_version
        assert before <= recorded.received_at <= datetime.now(UTC)
        assert 0 < recorded.latency_ms < 60_000


def test_without_the_model_the_answer_is_awaited(tmp_path: Path) -> None:
    service = Service(Settings(models_dir=tmp_path), Registry(tmp_path), Metrics())
    application = CreditApplication.model_validate(APPLICATION)
    with pytest.raises(ModelAwaitedError, match="'credit' is not there yet"):
        asyncio.run(CreditAnswers(service).answer(Endpoint.DECISIONS, application, "id"))
    service.close()


def test_another_model_under_that_name_is_the_servers_fault(tmp_path: Path) -> None:
    description, model = iris.train()
    artifact.save(tmp_path, msgspec.structs.replace(description, name="credit"), model)
    artifact.serve_version(tmp_path, "credit", description.version)
    service = Service(Settings(models_dir=tmp_path), Registry(tmp_path), Metrics())
    service.refresh()
    application = CreditApplication.model_validate(APPLICATION)
    with pytest.raises(BrokenModelError, match="does not take installment_rate"):
        asyncio.run(CreditAnswers(service).answer(Endpoint.DECISIONS, application, "id"))
    service.close()


def test_more_rows_than_may_wait_are_turned_away(service: Service) -> None:
    answers = CreditAnswers(service)
    application = CreditApplication.model_validate(APPLICATION)

    async def three() -> list[object]:
        return list(
            await asyncio.gather(
                *(answers.answer(Endpoint.DECISIONS, application, str(n)) for n in range(3)), return_exceptions=True
            )
        )

    results = asyncio.run(three())
    assert [type(result) is OverloadedError for result in results] == [False, False, True]
    assert str(results[2]) == "2 rows wait for a prediction already, try again later"
