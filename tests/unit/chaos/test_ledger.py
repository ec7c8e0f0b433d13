"""What the comparison of source, topic and target finds."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.chaos.ledger import Message, Result, compare
from tests.chaos.proof import NOBODY
from tests.chaos.written import Change


@dataclass
class Books:
    """Two rows, the first with two versions, the second a bad one, and what became of them; nothing is wrong."""

    changes: list[Change] = field(
        default_factory=lambda: [Change(1, 1, 0, 10), Change(1, 2, 1, 11), Change(2, 1, None, 12, "invalid_field")]
    )
    messages: list[Message] = field(
        default_factory=lambda: [Message(1, 1, 0, 5, 10), Message(1, 2, 0, 6, 11), Message(2, 1, 1, 3, 12)]
    )
    results: list[Result] = field(
        default_factory=lambda: [
            Result(1, 1, 0, None, 100, 7, 10, "member_0"),
            Result(1, 2, 1, None, 101, 8, 11, "member_1"),
            Result(2, 1, None, "invalid_field", 3, 7, 12, "member_0"),
        ]
    )

    def wrong(self) -> list[str]:
        return [wrong.what for wrong in compare(self.changes, self.messages, self.results).wrong]


def test_a_run_in_which_nothing_went_wrong() -> None:
    books = Books()
    found = compare(books.changes, books.messages, books.results)
    assert found.wrong == []
    assert (found.committed, found.messages, found.predicted, found.dead) == (3, 3, 2, 1)


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_version_without_a_result(lost: int) -> None:
    books = Books()
    del books.results[lost]
    (said,) = books.wrong()
    change = books.changes[lost]
    assert said == f"neither prediction nor dead letter: row {change.id} version {change.version}"


def test_a_version_with_two_results() -> None:
    books = Books()
    books.results.append(Result(1, 2, 1, None, 102, 9, 13, "member_2"))
    (said,) = books.wrong()
    assert said.startswith("result number 2: prediction of row 1 version 2 (by member_2")


def test_a_result_that_nobody_committed() -> None:
    books = Books()
    books.results.append(Result(7, 1, 0, None, 102, 9, 13, "member_2"))
    (said,) = books.wrong()
    assert "row 7 version 1" in said
    assert "never committed" in said


def test_the_answer_of_another_row() -> None:
    books = Books()
    books.results[0] = books.results[0]._replace(iris_class=2)
    (said,) = books.wrong()
    assert said.startswith("class 2 in place of 0")


def test_a_dead_letter_of_a_row_that_is_right() -> None:
    books = Books()
    books.results[0] = Result(1, 1, None, "refused_by_model", 5, 7, 10, "member_0")
    (said,) = books.wrong()
    assert said.startswith("nothing is wrong with the row, and its cause is refused_by_model: dead letter of row 1")


def test_a_prediction_of_a_row_that_is_bad() -> None:
    books = Books()
    books.results[2] = Result(2, 1, 0, None, 102, 7, 12, "member_0")
    (said,) = books.wrong()
    assert said.startswith("class 0 in place of a dead letter for invalid_field: prediction of row 2 version 1")


def test_a_dead_letter_of_another_cause() -> None:
    books = Books()
    books.results[2] = books.results[2]._replace(cause="model_failed")
    (said,) = books.wrong()
    assert said.startswith("model_failed in place of a dead letter for invalid_field: dead letter of row 2 version 1")


def test_a_prediction_with_another_time_than_its_row() -> None:
    books = Books()
    books.changes[0] = books.changes[0]._replace(endless="infinity")
    (said,) = books.wrong()
    assert said.startswith("the time that it has in place of infinity: prediction of row 1 version 1")
    books.results[0] = books.results[0]._replace(endless="infinity")
    assert books.wrong() == []


def test_a_result_of_no_row() -> None:
    books = Books()
    books.results.append(Result(NOBODY, NOBODY, 0, None, 102, 9, 13, "member_2"))
    (said,) = books.wrong()
    assert "never committed" in said


def test_versions_stored_in_another_order() -> None:
    books = Books()
    first, second, third = books.results
    books.results = [second, first._replace(commit=9), third]
    (said,) = books.wrong()
    assert said.startswith("stored after version 2: prediction of row 1 version 1")


def test_versions_of_one_transaction_in_another_order() -> None:
    books = Books()
    first, second, third = books.results
    books.results = [second._replace(commit=7, place=99), first, third]
    (said,) = books.wrong()
    assert said.startswith("stored after version 2: prediction of row 1 version 1")


@pytest.mark.parametrize(("commit", "wrong"), [(9, True), (8, False)], ids=["later", "in the same transaction"])
def test_a_dead_letter_after_a_newer_version_was_predicted(commit: int, wrong: bool) -> None:
    books = Books()
    _, second, third = books.results
    books.changes[0] = books.changes[0]._replace(expected=None, cause="invalid_field")
    letter = Result(1, 1, None, "invalid_field", 4, commit, 12, "member_0")
    books.results = [second, letter, third]
    assert [said.partition(":")[0] for said in books.wrong()] == ["stored after version 2"] * wrong


def test_a_change_that_the_topic_does_not_carry() -> None:
    books = Books()
    del books.messages[2], books.results[2]
    assert books.wrong() == ["committed, but not in the topic: row 2 version 1"]


def test_a_message_twice() -> None:
    books = Books()
    books.messages.append(Message(2, 1, 1, 4, 12))
    assert books.wrong() == ["in the topic 2 times: row 2 version 1 (partition 1, offset 4)"]


def test_messages_of_a_key_in_another_order() -> None:
    books = Books()
    books.messages[:2] = [Message(1, 2, 0, 5, 10), Message(1, 1, 0, 6, 11)]
    assert books.wrong() == ["in the topic after version 2: row 1 version 1 (partition 0, offset 6)"]
