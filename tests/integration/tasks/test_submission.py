"""What can be handed over, and what is refused; each with its status and its reason."""

from __future__ import annotations

import concurrent.futures
import json
import threading
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.stream import wait_until
from tests.tasks import FLOWER, Person, csv, flowers, ndjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.process import Server

ROWS = flowers(3)


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that a request was refused with."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["title"]
    return found


def test_rows_of_a_request_are_predicted_in_their_order(person: Person) -> None:
    answer = person.send_rows(flowers(2_500))

    assert answer.status_code == 202
    assert answer.headers["location"] == f"tasks/{answer.json()['id']}"
    task = person.ended(person.made(answer))
    assert (task["status"], task["rows_total"], task["rows_done"], task["rows_failed"]) == ("done", 2_500, 2_500, 0)
    assert task["created_at"] <= task["started_at"] <= task["finished_at"]
    rows = person.rows(task["id"])
    assert [row["row"] for row in rows] == list(range(1, 2_501))
    one_by_one = [person.http.post("/predict", json=row).json()["iris_class"] for row in flowers(60)]
    assert [row["iris_class"] for row in rows[:60]] == one_by_one
    assert {row["error"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", csv(ROWS)),
        ("rows.CSV", csv(ROWS).replace(b",", b";")),
        ("rows.jsonl", ndjson(ROWS)),
        ("rows.ndjson", ndjson(ROWS)),
        ("rows.json", json.dumps(ROWS).encode()),
    ],
)
def test_a_file_gives_what_the_same_rows_give(person: Person, name: str, content: bytes) -> None:
    of_file = person.ended(person.made(person.send_file(content, name)))
    of_rows = person.ended(person.made(person.send_rows(ROWS)))

    assert person.rows(of_file["id"]) == person.rows(of_rows["id"])


def test_rows_that_cannot_be_predicted_have_an_error_and_harm_no_other(person: Person) -> None:
    rows: list[Any] = flowers(5)
    rows[1] = FLOWER | {"petal_width": "wide"}
    rows[3] = {name: value for name, value in FLOWER.items() if name != "sepal_length"}

    task = person.ended(person.made(person.send_rows(rows)))

    assert (task["status"], task["rows_done"], task["rows_failed"]) == ("done", 3, 2)
    result = person.rows(task["id"])
    assert [row["error"] is None for row in result] == [True, False, True, False, True]
    assert [row["iris_class"] is None for row in result] == [False, True, False, True, False]
    assert "petal_width" in result[1]["error"]
    assert "sepal_length" in result[3]["error"]


def test_a_task_fails_if_none_of_its_rows_can_be_predicted(person: Person) -> None:
    task = person.ended(person.made(person.send_rows([{"sepal_length": None}, {"sepal_width": "x"}])))

    assert (task["status"], task["rows_failed"]) == ("failed", 2)
    assert "row by row" in task["error"]
    assert len(person.rows(task["id"])) == 2


def test_columns_that_the_model_does_not_know_are_kept_with_the_input(person: Person) -> None:
    rows = [{"id": f"flower {number}", **row} for number, row in enumerate(ROWS)]

    task = person.ended(person.made(person.send_rows(rows)))

    assert person.http.get(f"/tasks/{task['id']}/input").json() == rows


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rows": ROWS}, "model"),
        ({"model": "iris"}, "rows"),
        ({"model": "iris", "rows": []}, "rows"),
        ({"model": "iris", "rows": {}}, "rows"),
        ({"model": "iris", "rows": [1]}, "rows"),
        ({"model": "iris", "rows": [FLOWER | {"__row": 1}]}, "__row"),
        ({"model": "no_such", "rows": ROWS}, "model"),
        ({"model": "digit_images", "rows": [{"object_key": "x"}]}, "model"),
        ({"model": "iris", "version": "no_such", "rows": ROWS}, "version"),
        ({"model": "iris", "rows": ROWS, "version": "a\0b"}, "version"),
        ({"model": "iris", "rows": ROWS, "priority": 1}, "body"),
    ],
)
def test_a_wrong_field_is_named(person: Person, body: dict[str, Any], field: str) -> None:
    found = problem(person.http.post("/tasks", json=body), 422)

    assert field in found["detail"] or found["errors"][0]["field"] == "body"


def test_what_is_no_json_is_told(person: Person) -> None:
    found = problem(
        person.http.post("/tasks", content=b'{"model": "iris", ', headers={"Content-Type": "application/json"}), 422
    )

    assert "JSON" in found["detail"]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"sepal_length,sepal_width\n1,2\n", "rows.csv", "petal_length"),
        (b"", "rows.csv", "empty"),
        (csv(ROWS) + b"1,2\n", "rows.csv", "line 5"),
        (b'{"sepal_length": 1}\n{"sepal\n', "rows.jsonl", "line 2"),
        (b"PAR1", "rows.parquet", "Parquet"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(person: Person, content: bytes, name: str, said: str) -> None:
    found = problem(person.send_file(content, name), 422)

    assert said in found["detail"]


def test_nothing_is_left_of_a_file_that_is_refused(person: Person) -> None:
    before = person.http.get("/tasks").json()

    problem(person.send_file(csv(flowers(30_000)) + b"1,2\n"), 422)

    assert person.http.get("/tasks").json() == before


def test_other_types_are_refused(person: Person) -> None:
    problem(person.http.post("/tasks", content=b"<rows/>", headers={"Content-Type": "application/xml"}), 415)
    problem(person.send_file(b"%PDF-1.7", "rows.pdf"), 415)
    problem(person.http.post("/tasks", content=b"{}"), 415)


def test_a_form_without_a_file_or_with_unknown_fields_is_refused(person: Person) -> None:
    assert "file" in problem(person.http.post("/tasks", files={"model": (None, "iris")}), 422)["detail"]
    found = problem(person.send_file(csv(ROWS), urgency="high"), 422)
    assert found["errors"][0]["field"] == "urgency"


def test_a_version_that_was_asked_for_answers(person: Person) -> None:
    (version,) = {each["version"] for each in person.http.get("/models").json()["models"] if each["name"] == "iris"}

    task = person.ended(person.made(person.send_rows(ROWS, version=version)))

    assert task["version"] == version
    assert {row["model_version"] for row in person.rows(task["id"])} == {version}


def test_the_same_key_makes_one_task(person: Person) -> None:
    key = str(uuid.uuid4())

    first = person.send_rows(ROWS, key=key)
    second = person.send_rows(ROWS, key=key)

    assert person.made(second) == person.made(first)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    found = problem(person.send_rows(flowers(4), key=key), 422)
    assert found["errors"][0]["field"] == "Idempotency-Key"


def test_the_same_key_at_the_same_moment_makes_one_task(person: Person) -> None:
    key, content = str(uuid.uuid4()), csv(flowers(20_000))

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: person.send_file(content, key=key), range(3)))

    assert len({person.made(answer) for answer in answers if answer.status_code == 202}) == 1
    assert {answer.status_code for answer in answers} <= {202, 409}


def test_a_key_is_an_accounts_own(person: Person, another: Person) -> None:
    key = str(uuid.uuid4())

    assert person.made(person.send_rows(ROWS, key=key)) != another.made(another.send_rows(ROWS, key=key))


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_none_is_refused(person: Person, key: str) -> None:
    headers = {"Idempotency-Key": key}

    found = problem(person.http.post("/tasks", json={"model": "iris", "rows": ROWS}, headers=headers), 422)

    assert found["errors"][0]["field"] == "Idempotency-Key"


def test_more_than_is_taken_is_refused(start_api: Callable[..., Server], new_person: Callable[..., Person]) -> None:
    api = start_api(TASKS_MAX_JSON_BYTES="100000", TASKS_MAX_ROWS="1000", TASKS_MAX_BYTES="200000")
    person = new_person(f"http://127.0.0.1:{api.ports[0]}")

    assert "bytes" in problem(person.send_rows(flowers(2_000)), 413)["detail"]
    assert "rows" in problem(person.send_file(csv(flowers(1_001))), 413)["detail"]
    assert "bytes" in problem(person.send_file(b"x" * 300_000), 413)["detail"]
    person.made(person.send_file(csv(flowers(1_000))))


def test_who_sends_slowly_does_not_keep_the_others_out(
    start_api: Callable[..., Server], new_person: Callable[..., Person]
) -> None:
    api = start_api(TASKS_MAX_UPLOADS="2")
    url = f"http://127.0.0.1:{api.ports[0]}"
    slow, other = new_person(url), new_person(url)
    going_on = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b'{"model": "iris", '
        going_on.wait(30)
        yield b'"rows": ' + json.dumps(ROWS).encode() + b"}"

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        headers = {"Content-Type": "application/json"}
        answer = pool.submit(lambda: slow.http.post("/tasks", content=slowly(), headers=headers))
        with Person(url, slow.name, slow.password) as again:
            wait_until("the first is in hand", lambda: again.send_rows(ROWS).status_code == 503)
        other.made(other.send_rows(ROWS))
        going_on.set()
        slow.made(answer.result(30))
