"""What the client says: refusals in one line, columns, times, and the outcome with its exit status."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.client.errors import RowsFailedError, TaskFailedError
from api.client.lines import aligned, of_models, of_task, of_tasks, took_seconds
from api.client.pace import Pace, duration
from api.client.problems import SHOWN_CHARACTERS, one_line, words
from api.client.report import progress_words
from api.client.tasks import Task
from api.client.waiting import outcome

PROBLEM = {"Content-Type": "application/problem+json"}


def task(**changes: Any) -> Task:
    told = {
        "id": "0197",
        "model": "credit",
        "version": None,
        "status": "done",
        "rows_total": 1200,
        "rows_done": 1200,
        "rows_failed": 0,
        "created_at": "2026-01-01T10:00:00Z",
        "started_at": "2026-01-01T10:00:01Z",
        "finished_at": "2026-01-01T10:00:03.5Z",
        "error": None,
    }
    return Task.of(told | changes)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {
                "detail": "fields are wrong",
                "errors": [{"field": "model", "problem": "no such model"}, {"field": "file", "problem": "is empty"}],
            },
            "422 model: no such model; file: is empty",
        ),
        ({"title": "Unprocessable", "detail": "no\nrows"}, "422 no rows"),
        ({"title": "Unprocessable"}, "422 Unprocessable"),
        ([], "422 []"),
        ({}, "422 Unprocessable Content"),
    ],
)
def test_a_refusal_is_one_line_with_its_fields(body: Any, said: str) -> None:
    assert words(httpx.Response(422, json=body, headers=PROBLEM)).replace("Entity", "Content") == said


def test_an_answer_that_is_no_problem_is_told_as_it_is() -> None:
    assert words(httpx.Response(502, text="<html>\nbad\x1b[2Jgateway")) == "502 <html> bad?[2Jgateway"
    assert words(httpx.Response(599)) == "599 an unknown status"


@given(st.text())
def test_nothing_that_a_server_says_commands_the_terminal(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= SHOWN_CHARACTERS + 1


def test_a_pace_is_that_of_the_last_looks() -> None:
    pace = Pace()
    assert (pace.rows_a_second, pace.seconds_left(5)) == (0, None)
    pace.look(10, 100)
    assert pace.rows_a_second == 0
    pace.look(12, 300)
    assert (pace.rows_a_second, pace.seconds_left(1000)) == (100, 10)
    for second in range(13, 60):
        pace.look(second, 300)
    assert (pace.rows_a_second, pace.seconds_left(1000)) == (0, None)


def test_progress_tells_rows_pace_and_the_time_that_is_left() -> None:
    pace = Pace()
    pace.look(0, 0)
    pace.look(1, 500)
    half = task(status="running", rows_total=100_500, rows_done=490, rows_failed=10, finished_at=None)
    assert progress_words(half, pace) == "500 of 100,500 rows, 10 failed, 500 rows/s, 3 min left"
    assert progress_words(task(), Pace()) == "1,200 of 1,200 rows"


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (2e5, "2 d")])
def test_a_time_is_told_in_the_largest_unit_of_which_there_are_two(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_outcome_decides_the_exit_status() -> None:
    assert outcome(task()) == "task 0197 is done: 1,200 rows"
    with pytest.raises(RowsFailedError, match="200 of 1,200 rows have an error") as some:
        outcome(task(rows_done=1000, rows_failed=200))
    assert some.value.exit_status == 3
    with pytest.raises(TaskFailedError, match="failed: no row has a prediction") as failed:
        outcome(task(status="failed", rows_done=0, rows_failed=1200))
    assert failed.value.exit_status == 1
    with pytest.raises(TaskFailedError, match="failed: the model is gone"):
        outcome(task(status="failed", error="the model\nis gone"))
    with pytest.raises(TaskFailedError, match="cancelled after 7 of 1,200 rows"):
        outcome(task(status="cancelled", rows_done=7))


def test_tasks_are_listed_in_columns() -> None:
    lines = list(aligned(of_tasks([task(), task(id="01", status="queued", started_at=None, finished_at=None)])))
    assert lines[0].split() == ["ID", "MODEL", "STATUS", "ROWS", "DONE", "FAILED", "CREATED", "TOOK"]
    assert len({line.index(column) for line, column in zip(lines, ("MODEL", "credit", "credit"), strict=True)}) == 1
    assert lines[1].endswith("2 s")
    assert lines[2].endswith("-")
    assert took_seconds(task().raw) == 2.5
    assert ["rows total", "1200"] in of_task(task())


def test_a_model_is_told_with_its_columns() -> None:
    model = {
        "name": "iris",
        "version": "1a",
        "inputs": [{"name": "petal", "datatype": "FP64"}, {"name": "sepal", "datatype": "FP64"}],
        "outputs": [{"name": "iris_class", "datatype": "INT64"}],
    }
    assert of_models([model]) == ["iris  1a", "  takes  petal FP64, sepal FP64", "  gives  iris_class INT64"]
