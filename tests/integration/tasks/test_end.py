"""Tasks that are cancelled, removed, or have been done for long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.accounts import task_settings
from tests.stream import wait_until
from tests.tasks import Person, csv, flowers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.process import Server
    from stack.settings import Settings


@pytest.fixture
def source(settings: Settings) -> Iterator[psycopg.Connection]:
    """The source database as the role of the tasks."""
    with psycopg.connect(task_settings(settings).source_dsn(), autocommit=True) as connection:
        yield connection


def chunks(source: psycopg.Connection, task_id: str) -> dict[str, int]:
    """How many chunks of a task are in each state."""
    query = "select state, count(*) from tasks.chunk where task = %s group by state"
    return dict(source.execute(query, [task_id]).fetchall())


def large(person: Person) -> str:
    """A task of a hundred chunks."""
    return person.made(person.send_file(csv(flowers(100_000))))


def test_cancelling_stops_what_has_not_begun(person: Person, source: psycopg.Connection) -> None:
    task_id = large(person)
    wait_until("some rows are done", lambda: person.task(task_id)["rows_done"] > 0)

    answer = person.http.delete(f"/tasks/{task_id}?keep=true")

    assert answer.status_code == 204
    wait_until("what was on its way is back", lambda: "released" not in chunks(source, task_id))
    task = person.task(task_id)
    assert task["status"] == "cancelled"
    assert task["finished_at"] is not None
    assert 0 < task["rows_done"] < 100_000
    assert chunks(source, task_id)["cancelled"] == 100 - task["rows_done"] // 1_000
    # what there is can be had, and is told to be a part
    assert person.result(task_id).status_code == 409
    assert len(person.result(task_id, partial="true").json()) == task["rows_done"]
    assert len(person.http.get(f"/tasks/{task_id}/input").json()) == 100_000
    assert person.http.delete(f"/tasks/{task_id}?keep=true").status_code == 409


def test_a_task_that_has_ended_cannot_be_cancelled(person: Person) -> None:
    task_id = person.made(person.send_rows(flowers(1)))
    person.ended(task_id)

    answer = person.http.delete(f"/tasks/{task_id}?keep=true")

    assert answer.status_code == 409
    assert "done already" in answer.json()["detail"]


def test_nothing_is_left_of_a_task_that_is_removed(
    person: Person, source: psycopg.Connection, target: psycopg.Connection
) -> None:
    done = person.made(person.send_rows(flowers(2_500), key="again"))
    person.ended(done)
    running = large(person)
    wait_until("some rows are done", lambda: person.task(running)["rows_done"] > 0)

    for task_id in (done, running):
        assert person.http.delete(f"/tasks/{task_id}").status_code == 204
        # at once for whom it was
        for path in ("", "/status", "/input", "/result?partial=true"):
            assert person.http.get(f"/tasks/{task_id}{path}").status_code == 404
        assert person.http.delete(f"/tasks/{task_id}").status_code == 404
    assert person.http.get("/tasks").json()["tasks"] == []

    def gone(task_id: str) -> bool:
        counts = [
            *source.execute("select count(*) from tasks.task where id = %s", [task_id]),
            *source.execute("select count(*) from tasks.chunk where task = %s", [task_id]),
            *source.execute("select count(*) from tasks.outbox where aggregateid like %s", [f"{task_id}/%"]),
            *target.execute("select count(*) from tasks.iris where task = %s", [task_id]),
        ]
        return counts == [(0,)] * 4

    wait_until("all of it is gone", lambda: gone(done) and gone(running), 60)
    # its key may be used anew
    assert person.made(person.send_rows(flowers(2_500), key="again")) != done


def test_a_task_that_was_removed_before_it_began_is_never_predicted(
    person: Person, task_subscriber: Server, source: psycopg.Connection, target: psycopg.Connection
) -> None:
    task_subscriber.stop()
    try:
        task_id = large(person)
        wait_until("some of it is on its way", lambda: "released" in chunks(source, task_id))
        assert person.http.delete(f"/tasks/{task_id}").status_code == 204
    finally:
        task_subscriber.restart()
    wait_until("it is gone", lambda: chunks(source, task_id) == {}, 60)
    assert target.execute("select count(*) from tasks.iris where task = %s", [task_id]).fetchone() == (0,)


def test_tasks_are_removed_some_days_after_their_end(person: Person, source: psycopg.Connection) -> None:
    old, young = (person.made(person.send_rows(flowers(1))) for _ in range(2))
    for task_id in (old, young):
        person.ended(task_id)

    source.execute("update tasks.task set finished_at = finished_at - interval '31 days' where id = %s", [old])

    wait_until("the old one is gone", lambda: person.http.get(f"/tasks/{old}").status_code == 404)
    assert person.task(young)["status"] == "done"
