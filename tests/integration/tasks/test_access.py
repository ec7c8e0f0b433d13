"""Who may do what: nobody without a token, and nobody with another's task."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.tasks import Person, flowers

if TYPE_CHECKING:
    from stack.settings import Settings

ROUTES = [
    ("GET", "/models"),
    ("POST", "/tasks"),
    ("GET", "/tasks"),
    ("GET", "/tasks/{id}"),
    ("GET", "/tasks/{id}/status"),
    ("GET", "/tasks/{id}/input"),
    ("GET", "/tasks/{id}/result"),
    ("DELETE", "/tasks/{id}"),
]
OF_A_TASK = [(method, path) for method, path in ROUTES if "{id}" in path]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x.y.z", "Basic dXNlcjpwYXNzd29yZA=="])
def test_without_a_token_nothing_is_told(person: Person, method: str, path: str, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}

    answer = httpx.request(method, str(person.http.base_url) + path.format(id=uuid.uuid4()), headers=headers)

    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), OF_A_TASK)
def test_anothers_task_is_as_good_as_none(person: Person, another: Person, method: str, path: str) -> None:
    task_id = person.made(person.send_rows(flowers(3)))

    of_other = another.http.request(method, path.format(id=task_id))
    of_none = another.http.request(method, path.format(id=uuid.uuid4()))

    assert of_other.status_code == of_none.status_code == 404
    assert of_other.json() == of_none.json()
    assert task_id not in another.http.get("/tasks").text
    # and it is still there for whom it is
    assert person.ended(task_id)["status"] == "done"


@pytest.mark.parametrize(("method", "path"), OF_A_TASK)
@pytest.mark.parametrize("task_id", ["none", "1", "x" * 300, "%00"])
def test_what_is_no_id_names_no_task(person: Person, method: str, path: str, task_id: str) -> None:
    assert person.http.request(method, path.format(id=task_id)).status_code == 404


@pytest.mark.parametrize("before", ["%0A", "%20", "%D9%A0", "urn:uuid:0"])
def test_an_id_is_written_in_one_way(person: Person, before: str) -> None:
    task_id = person.made(person.send_rows(flowers(1)))

    # the first digit of the ids of this century is 0, which these may stand for
    other = before + task_id[1:]

    assert person.http.get(f"/tasks/{task_id.upper()}/input").status_code == 200
    assert person.http.get(f"/tasks/{other}/input").status_code == 404


def test_who_may_only_look_makes_and_removes_nothing(person: Person, settings: Settings) -> None:
    task_id = person.made(person.send_rows(flowers(3)))
    looking = Person(settings.api_url, person.name, person.password, scope="tasks:read")

    assert looking.task(task_id)["id"] == task_id
    for answer in (looking.send_rows(flowers(3)), looking.http.delete(f"/tasks/{task_id}")):
        assert answer.status_code == 403, answer.text
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    looking.http.close()


def test_a_path_that_is_none_is_a_problem_too(person: Person) -> None:
    for answer in (person.http.get(f"/tasks/{uuid.uuid4()}/nothing"), person.http.patch("/tasks")):
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == "application/problem+json"
