"""A million rows in one file, and two hundred small tasks beside it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.processes import measured
from tests.runs import as_processes
from tests.stream import wait_until
from tests.tasks import Person, flowers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stack.process import Server
    from stack.services import Services

pytestmark = [as_processes, pytest.mark.timeout(900)]
ROWS, SMALL_TASKS = 1_000_000, 200
MAX_API_MB = 300
NAMES = (
    *("installment_rate_in_percentage_of_disposable_income", "age_in_years", "foreign_worker"),
    *("present_employment_since", "personal_status_and_sex"),
)
EMPLOYMENT = ("unemployed", "... < 1 year", "1 <= ... < 4 years", "4 <= ... < 7 years", "... >= 7 years")
STATUS = ("male : single", "male : married/widowed", "female : divorced/separated/married")


@pytest.fixture
def million(tmp_path: Path) -> Path:
    """A file of a million applications; of every thousandth the age is no number."""
    path, chance = tmp_path / "million.csv", random.Random(7)  # noqa: S311
    with path.open("w") as file:
        file.write(",".join(NAMES) + "\n")
        for number in range(1, ROWS + 1):
            age = "old" if number % 1_000 == 0 else chance.randint(19, 75)
            words = f"yes,{chance.choice(EMPLOYMENT)},{chance.choice(STATUS)}"
            file.write(f"{chance.randint(1, 4)},{age},{words}\n")
    return path


@pytest.fixture
def fresh_api(
    services: Services, task_subscriber: Server, start_api: Callable[..., Server]
) -> Iterator[tuple[str, Server]]:
    """An API that has done nothing before, which takes tasks in and predicts their rows as well."""
    task_subscriber.stop()
    services.api.stop()
    api = start_api()
    url = f"http://127.0.0.1:{api.ports[0]}"
    environment = task_subscriber.environment
    task_subscriber.environment = {**environment, "API_URL": url}
    task_subscriber.restart()
    yield url, api
    task_subscriber.stop()
    task_subscriber.environment = environment
    services.api.restart()
    task_subscriber.restart()


def test_a_million_rows_come_back_in_order_and_small_tasks_need_not_wait_for_them(
    fresh_api: tuple[str, Server], new_person: Callable[..., Person], million: Path, tmp_path: Path
) -> None:
    url, api = fresh_api
    person, other = new_person(url), new_person(url)

    with measured({"api": api.pid}) as used:
        # when a million rows are handed over, and small tasks of their account and of another meanwhile
        with million.open("rb") as file:
            sent = person.http.post("/tasks", data={"model": "credit"}, files={"file": ("rows.csv", file)}, timeout=300)
        task_id = person.made(sent)
        wait_until("it is under way", lambda: person.task(task_id)["rows_done"] > 0, 60)

        def small(number: int) -> str:
            sender = (person, other)[number % 2]
            return sender.made(sender.send_rows(flowers(10)))

        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(small, range(SMALL_TASKS)))
        for number, each in enumerate(made):
            assert (person, other)[number % 2].ended(each, 120)["rows_done"] == 10

        # then these are done long before it
        assert person.task(task_id)["status"] == "running"
        task = person.ended(task_id, 600)
        assert (task["status"], task["rows_done"], task["rows_failed"]) == ("done", ROWS - 1_000, 1_000)

        # and it has a row for each row, in order, whole
        result = tmp_path / "result.csv"
        with (
            result.open("wb") as written,
            person.http.stream(
                "GET", f"/tasks/{task_id}/result", headers={"Accept": "text/csv"}, timeout=300
            ) as answer,
        ):
            for piece in answer.iter_bytes():
                written.write(piece)
        with result.open() as lines:
            assert next(lines).strip() == "row,probability,decision,risk_category,model_version,error"
            number = 0
            for number, line in enumerate(lines, 1):
                first, probability, *_ = line.split(",", 2)
                assert int(first) == number
                assert (probability == "") == (number % 1_000 == 0)
            assert number == ROWS

    assert used["api"].peak_mb < MAX_API_MB
    person.http.delete(f"/tasks/{task_id}")
