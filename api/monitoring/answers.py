"""An answered request as it is kept, and its row in the database."""

import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

from api.credit.ports import RecordedAnswer
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

Row = tuple[Any, ...]


class UnfitAnswer(ValueError):
    """An answer that no table takes, whenever it is tried."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer with an id of its own, by which it is known however often it is written."""

    answer_id: uuid.UUID
    answer: RecordedAnswer


@dataclass(frozen=True, slots=True)
class Waiting:
    """An answer on its way: as a row of its table, and as the file keeps it."""

    table: str
    row: Row
    kept: Kept

    def encoded(self) -> bytes:
        return msgspec.json.encode(self.kept)


_decoder = msgspec.json.Decoder(Kept)


def kept(answer: RecordedAnswer) -> Kept:
    """Give an answer its id."""
    return Kept(uuid7(), answer)


def waiting(one: Kept) -> Waiting:
    """Make a row of an answer.

    Raises:
        UnfitAnswer: the endpoint has no table, a feature is missing, or the request's id is no UUID.
    """
    answer = one.answer
    if answer.endpoint not in TABLES:
        raise UnfitAnswer(f"there is no table for the endpoint {answer.endpoint!r}")
    missing = [name for name in FEATURES if name not in answer.features]
    if missing:
        raise UnfitAnswer(f"without {', '.join(missing)}")
    try:
        request_id = uuid.UUID(answer.request_id)
    except ValueError as error:
        raise UnfitAnswer(f"the request's id {answer.request_id!r} is no UUID") from error
    row = (
        *(one.answer_id, request_id, answer.received_at, answer.latency_ms, answer.cache_hit, answer.model_version),
        *(answer.features[name] for name in FEATURES),
        answer.response,
    )
    return Waiting(answer.endpoint, row, one)


def decoded(record: bytes) -> Waiting:
    """Read what `encoded` wrote.

    Raises:
        UnfitAnswer: it is something else.
    """
    try:
        return waiting(_decoder.decode(record))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnfitAnswer(str(error)) from error
