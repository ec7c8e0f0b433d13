"""Any part of it may end at any moment: every task has its whole result, once."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.runs import as_processes
from tests.stream import wait_until
from tests.tasks import ENDED, Person, csv, flowers

if TYPE_CHECKING:
    from collections.abc import Callable

    from stack.process import Server
    from stack.services import Services
    from tests.servers import Servers

pytestmark = as_processes
ROWS = 60_000


def status(person: Person, task_id: str) -> str | None:
    """The task's status; None while nobody tells."""
    try:
        answer = person.http.get(f"/tasks/{task_id}/status")
    except httpx.TransportError:
        return None
    return str(answer.json()["status"]) if answer.status_code == 200 else None


def whole(person: Person, task_id: str) -> None:
    """See that a task is done, with each row once, in order, and none wrong."""
    wait_until(f"the end of task {task_id}", lambda: status(person, task_id) in ENDED, 180)
    task = person.task(task_id)
    assert (task["status"], task["rows_done"], task["rows_failed"]) == ("done", ROWS, 0)
    rows = person.rows(task_id)
    assert [row["row"] for row in rows] == list(range(1, ROWS + 1))
    assert {row["error"] for row in rows} == {None}


@pytest.fixture
def killable(stack: Servers, services: Services, task_subscriber: Server, person: Person) -> dict[str, Server]:
    return {
        "API": services.api,
        "subscriber": task_subscriber,
        "Connect": stack.connect,  # type: ignore[dict-item]
        "broker": stack.broker,  # type: ignore[dict-item]
        "source": stack.source,  # type: ignore[dict-item]
        "target": stack.target,  # type: ignore[dict-item]
    }


@pytest.mark.parametrize("name", ["API", "subscriber", "Connect", "broker", "source", "target"])
def test_a_task_outlives_a_crash_in_its_midst(person: Person, killable: dict[str, Server], name: str) -> None:
    task_id = person.made(person.send_file(csv(flowers(ROWS))))
    wait_until("it is under way", lambda: person.task(task_id)["rows_done"] > 0)

    killable[name].kill()
    # some of its work is found undone
    time.sleep(0.5)
    killable[name].restart()

    whole(person, task_id)


def test_a_frozen_target_holds_up_tasks_and_nothing_else(person: Person, killable: dict[str, Server]) -> None:
    task_id = person.made(person.send_file(csv(flowers(ROWS))))
    wait_until("it is under way", lambda: person.task(task_id)["rows_done"] > 0)

    killable["target"].send(signal.SIGSTOP)
    try:
        # while nothing can be stored, the API answers all the same
        for _ in range(10):
            began = time.monotonic()
            assert person.task(task_id)["status"] == "running"
            assert person.http.post("/predict", json=flowers(1)[0]).status_code == 200
            assert time.monotonic() - began < 5
    finally:
        killable["target"].send(signal.SIGCONT)

    whole(person, task_id)


def test_two_apis_share_the_work(person: Person, start_api: Callable[..., Server]) -> None:
    """Whichever of them is there works off the tasks of all."""
    other = start_api()
    with Person(f"http://127.0.0.1:{other.ports[0]}", person.name, person.password) as there:
        task_id = there.made(there.send_file(csv(flowers(ROWS))))
        wait_until("it is under way", lambda: there.task(task_id)["rows_done"] > 0)

    other.kill()

    whole(person, task_id)
