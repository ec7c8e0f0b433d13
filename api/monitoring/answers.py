"""An answered application for a credit, and its row in the table of its endpoint."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from api.credit.ports import RecordedAnswer
from api.monitoring.tables import Row, Table, UnfitRecord, as_uuid
from api.uuid7 import uuid7

FEATURES = (
    "installment_rate_in_percentage_of_disposable_income",
    "age_in_years",
    "foreign_worker",
    "present_employment_since",
    "personal_status_and_sex",
)
# an endpoint's answers are in the table of its name
TABLES = ("decisions", "probabilities", "risk_categories")
COLUMNS = ("answer_id", "request_id", "received_at", "latency_ms", "cache_hit", "model_version", *FEATURES, "response")
ANSWER_TABLES = {name: Table(name, "answer_id", COLUMNS) for name in TABLES}


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer with an id of its own, by which it is known however often it is written."""

    answer_id: uuid.UUID
    answer: RecordedAnswer

    @property
    def endpoint(self) -> str:
        return self.answer.endpoint

    @property
    def request_id(self) -> str:
        return self.answer.request_id

    @property
    def received_at(self) -> datetime:
        return self.answer.received_at


def kept(answer: RecordedAnswer) -> KeptAnswer:
    """Give an answer its id."""
    return KeptAnswer(uuid7(), answer)


def answer_row(one: KeptAnswer) -> tuple[Table, Row]:
    """The row of an answer, and its table.

    Raises:
        UnfitRecord: the endpoint has no table, a feature is missing, or the request's id is no UUID.
    """
    answer = one.answer
    if answer.endpoint not in ANSWER_TABLES:
        raise UnfitRecord(f"there is no table for the endpoint {answer.endpoint!r}")
    missing = [name for name in FEATURES if name not in answer.features]
    if missing:
        raise UnfitRecord(f"without {', '.join(missing)}")
    request_id = as_uuid(answer.request_id, "the request's id")
    row = (
        *(one.answer_id, request_id, answer.received_at, answer.latency_ms, answer.cache_hit, answer.model_version),
        *(answer.features[name] for name in FEATURES),
        answer.response,
    )
    return ANSWER_TABLES[answer.endpoint], row
