"""The log tells of the first rows, and of dead letters without drowning in them."""

from __future__ import annotations

import structlog
from structlog.testing import capture_logs

from subscriber.batch import Batch, DeadLetter
from subscriber.report import Report
from tests.unit.subscriber.material import Message


def batch(rows: int, dead: int) -> Batch:
    letters = [DeadLetter(Message(), "invalid_field", "column x is null") for _ in range(dead)]
    return Batch({}, [Message() for _ in range(rows)], dead=letters)


def test_the_first_rows_are_told_once() -> None:
    with capture_logs() as lines:
        report = Report(structlog.get_logger())
        report.stored(batch(0, 0))
        report.stored(batch(3, 0))
        report.stored(batch(5, 0))

    assert [(line["event"], line["rows"]) for line in lines] == [("first rows predicted", 3)]


def test_dead_letters_are_told_at_once_and_then_not_for_a_while() -> None:
    with capture_logs() as lines:
        report = Report(structlog.get_logger())
        for _ in range(50):
            report.stored(batch(0, 2))

    (line,) = lines
    assert (line["log_level"], line["rows"], line["cause"]) == ("warning", 2, "invalid_field")
    assert line["detail"] == "column x is null"
