"""Small tasks beside a large one: they take turns."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

from tests.stream import wait_until
from tests.tasks import Person, csv, flowers

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE_ROWS = 600_000
SMALL = 40


def test_small_tasks_do_not_wait_for_a_large_one(person: Person, new_person: Callable[..., Person]) -> None:
    # given a large task that is being worked off
    large = person.made(person.send_file(csv(flowers(LARGE_ROWS))))
    wait_until("the large task is on its way", lambda: person.task(large)["rows_done"] > 0)

    # when its account and others send small ones
    def send(sender: Person) -> str:
        return sender.made(sender.send_rows(flowers(20)))

    people = [person, *(new_person() for _ in range(3))]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        small = list(pool.map(lambda number: (people[number % 4], send(people[number % 4])), range(SMALL)))
    done = [sender.ended(task_id) for sender, task_id in small]

    # then they are done while it is still under way
    task = person.task(large)
    assert task["status"] == "running", "the large task was too small for this test"
    assert all(each["status"] == "done" for each in done)
    # and it gets its turns too
    wait_until("it goes on", lambda: person.task(large)["rows_done"] > task["rows_done"])
    person.http.delete(f"/tasks/{large}")


def test_an_account_with_many_tasks_does_not_hold_up_another(person: Person, new_person: Callable[..., Person]) -> None:
    other = new_person()
    many = [person.made(person.send_file(csv(flowers(60_000)))) for _ in range(10)]

    def done() -> int:
        return sum(int(task["rows_done"]) for task in person.http.get("/tasks").json()["tasks"])

    one = other.made(other.send_file(csv(flowers(20_000))))
    before = done()
    other.ended(one, 120)
    meanwhile = done() - before

    # each account has its turns, however many tasks it has; and what was on its way before comes on top
    assert meanwhile < 6 * 20_000
    for task_id in many:
        person.http.delete(f"/tasks/{task_id}")
