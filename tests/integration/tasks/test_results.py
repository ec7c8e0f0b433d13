"""What came out, in every format, while it comes and when it is there."""

from __future__ import annotations

import csv as csv_format
import io
import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.stream import wait_until
from tests.tasks import FLOWER, Person, flowers

if TYPE_CHECKING:
    from stack.process import Server
    from stack.settings import Settings

NDJSON, CSV, PARQUET = "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"


@pytest.fixture(scope="module")
def done(module_person: Person) -> str:
    """A task that is done, with a row that failed."""
    rows = flowers(12_000)
    rows[7_000] = {**FLOWER, "petal_width": "wide"}  # type: ignore[dict-item]
    task = module_person.ended(module_person.made(module_person.send_rows(rows)))
    assert task["status"] == "done", task
    return str(task["id"])


def test_every_format_tells_the_same(module_person: Person, done: str) -> None:
    rows = module_person.rows(done)

    lines = module_person.result(done, NDJSON)
    table = module_person.result(done, CSV)

    assert [row["row"] for row in rows] == list(range(1, 12_001))
    assert [json.loads(line) for line in lines.text.splitlines()] == rows
    assert lines.headers["content-type"].startswith(NDJSON)
    read = list(csv_format.DictReader(io.StringIO(table.text)))
    assert list(read[0]) == list(rows[0]) == ["row", "iris_class", "model_version", "error"]
    assert [(int(row["row"]), row["iris_class"]) for row in read] == [
        (row["row"], "" if row["iris_class"] is None else str(row["iris_class"])) for row in rows
    ]
    assert "petal_width" in read[7_000]["error"]
    assert 'filename="' in table.headers["content-disposition"]


def test_parquet_has_the_types_of_the_columns(module_person: Person, done: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")

    table = parquet.read_table(io.BytesIO(module_person.result(done, PARQUET).content))

    assert table.num_rows == 12_000
    assert [str(field.type) for field in table.schema] == ["int64", "int64", "string", "string"]
    assert table.to_pylist() == module_person.rows(done)


def test_a_type_that_is_not_given_is_refused(module_person: Person, done: str) -> None:
    for path in ("input", "result"):
        answer = module_person.http.get(f"/tasks/{done}/{path}", headers={"Accept": "application/xml"})
        assert answer.status_code == 406
        assert CSV in answer.json()["detail"]


def test_the_best_of_the_types_that_are_taken_is_given(module_person: Person, done: str) -> None:
    answer = module_person.result(done, f"text/html, {CSV};q=0.5, {NDJSON};q=0.9, */*;q=0.1")

    assert answer.headers["content-type"].startswith(NDJSON)


def test_the_input_comes_back_as_it_was(module_person: Person, done: str) -> None:
    rows = module_person.http.get(f"/tasks/{done}/input").json()

    assert len(rows) == 12_000
    assert rows[:7_000] == flowers(12_000)[:7_000]


def test_a_result_that_is_not_there_yet_can_be_had_in_part(person: Person, task_subscriber: Server) -> None:
    # given a task some of whose rows are on their way, while nobody works them off
    task_subscriber.stop()
    try:
        task_id = person.made(person.send_rows(flowers(5_000)))
        answer = person.result(task_id)
        assert answer.status_code == 409
        assert answer.headers["retry-after"] == "1"
        assert "partial=true" in answer.json()["detail"]
        assert person.result(task_id, partial="true").json() == []
        assert person.result(task_id, CSV, partial="true").text.splitlines() == ["row,iris_class,model_version,error"]
    finally:
        task_subscriber.restart()
    task = person.ended(task_id)
    assert task["status"] == "done"
    assert person.result(task_id, partial="true").json() == person.rows(task_id)


def test_rows_whose_message_is_lost_have_an_error(person: Person, settings: Settings, task_subscriber: Server) -> None:
    """A topic's message that nobody can read: every row of the task is told of all the same."""
    task_subscriber.stop()
    try:
        task_id = person.made(person.send_rows(flowers(1_500)))
        wait_until("the rows are on their way", lambda: person.task(task_id)["status"] == "running")
        with psycopg.connect(settings.target_dsn(), autocommit=True) as target:
            target.execute("insert into tasks.receipt (key, rows, failed) values (%s, 0, 0)", [f"{task_id}/0"])
    finally:
        task_subscriber.restart()
    task = person.ended(task_id)
    assert (task["status"], task["rows_done"], task["rows_failed"]) == ("done", 500, 1_000)
    rows = person.rows(task_id)
    assert [row["row"] for row in rows] == list(range(1, 1_501))
    assert all("could not be read" in row["error"] for row in rows[:1_000])
