"""One's tasks, a page at a time, and how far each is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest

from tests.tasks import Person, flowers

if TYPE_CHECKING:
    from typing import Any


@pytest.fixture(scope="module")
def several(module_person: Person) -> list[str]:
    """Seven tasks that have ended, the newest first: the third of them made failed, the fifth is of another model."""
    made = []
    for number in range(7):
        rows: list[Any] = flowers(1)
        model = "iris"
        if number == 2:
            rows = [{"sepal_length": "long"}]
        if number == 4:
            rows, model = [{f"pixel_{each}": 0 for each in range(64)}], "digits"
        made.append(module_person.made(module_person.send_rows(rows, model)))
    for task_id in made:
        module_person.ended(task_id)
    return made[::-1]


def test_pages_hold_every_task_once_the_newest_first(module_person: Person, several: list[str]) -> None:
    found, address = [], "/tasks?limit=3"
    pages = 0
    while address:
        answer = module_person.http.get(address)
        page = answer.json()
        found += [task["id"] for task in page["tasks"]]
        assert answer.headers.get("link") == (f'<{page["next"]}>; rel="next"' if page["next"] else None)
        address = page["next"]
        pages += 1
        # which holds below a path too
        assert not address or urljoin("http://host/models/tasks?limit=3", address).startswith(
            "http://host/models/tasks?"
        )

    assert (found, pages) == (several, 3)


def test_a_page_is_the_same_while_tasks_are_made(module_person: Person, several: list[str]) -> None:
    first = module_person.http.get("/tasks?limit=2").json()
    newer = module_person.made(module_person.send_rows(flowers(1)))

    second = module_person.http.get(first["next"]).json()

    assert [task["id"] for task in second["tasks"]] == several[2:4]
    module_person.ended(newer)
    module_person.http.delete(f"/tasks/{newer}")


def test_tasks_are_told_apart_by_status_and_model(module_person: Person, several: list[str]) -> None:
    def ids(query: str) -> list[str]:
        return [task["id"] for task in module_person.http.get(f"/tasks?{query}").json()["tasks"]]

    assert ids("status=failed") == [several[4]]
    assert ids("model=digits") == [several[2]]
    assert ids("status=done&model=iris") == [each for each in several if each not in (several[2], several[4])]
    assert ids("status=done&model=iris&limit=1") == several[:1]
    assert ids("status=queued") == []
    assert ids("model=no_such") == []


@pytest.mark.parametrize("query", ["status=over", "limit=0", "limit=501", "limit=x", "after=1", "model=%00"])
def test_what_cannot_be_asked_for_is_named(module_person: Person, query: str) -> None:
    answer = module_person.http.get(f"/tasks?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [query.partition("=")[0]]


def test_the_status_tells_how_far_a_task_is(module_person: Person, several: list[str]) -> None:
    status = module_person.http.get(f"/tasks/{several[4]}/status").json()

    task = module_person.task(several[4])
    assert set(status) == {
        *("id", "status", "rows_total", "rows_done", "rows_failed", "created_at", "started_at", "finished_at")
    }
    assert all(status[name] == task[name] for name in status)
    assert status["created_at"].endswith("Z")


def test_models_tell_which_of_them_take_tasks(module_person: Person) -> None:
    models = {model["name"]: model for model in module_person.http.get("/models").json()["models"]}

    assert {name for name, model in models.items() if model["takes_tasks"]} == {"iris", "credit", "digits"}
    iris = models["iris"]
    assert iris["version"] in iris["versions"]
    assert iris["inputs"][0] == {"name": "sepal_length", "datatype": "FP64"}
    assert iris["outputs"] == [{"name": "iris_class", "datatype": "INT64"}]
