"""`python -m api.client` against the real service: its results, its exit statuses, and what it survives."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stack.settings import ROOT
from tests import tasks as rows_of
from tests.commands import Finished, finished
from tests.line import BreakingLine
from tests.stream import wait_until
from tests.tasks import FLOWER, flowers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stack.process import Server
    from stack.services import Services
    from stack.settings import Settings
    from tests.tasks import Person

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Client:
    """Runs commands of the client as a person calls them."""

    def __init__(self, person: Person, url: str) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TASK_CLIENT_")},
            "API_URL": url,
            "TASK_CLIENT_USER": person.name,
            "TASK_CLIENT_PASSWORD": person.password,
        }
        self.started: list[subprocess.Popen[str]] = []

    def __call__(self, *arguments: object, status: int = 0, given: str | None = None, **environment: str) -> Finished:
        """Run a command to its end, which must be with this status."""
        done = finished("api.client", *arguments, environment=self.environment | environment, given=given, seconds=120)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "api.client", *map(str, arguments)],
            env=self.environment | environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process


@pytest.fixture
def client(person: Person, settings: Settings) -> Iterator[Client]:
    client = Client(person, settings.api_url)
    yield client
    for process in client.started:
        process.kill()
        process.communicate()


def file_of(folder: Path, rows: list[dict[str, Any]], name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(rows_of.csv(rows))
    return path


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def one_line(done: Finished) -> str:
    """The error, which is one line."""
    *_, error = done.stderr.splitlines()
    assert error.startswith("error: ")
    return error


def test_a_file_is_handed_over_and_its_result_written(client: Client, person: Person, tmp_path: Path) -> None:
    path = file_of(tmp_path, flowers(1_500))

    done = client("submit", path, "--model", "iris", "--output", tmp_path / "result.csv")

    # standard output is the id alone
    task_id = done.stdout.strip()
    assert ID.fullmatch(task_id)
    assert f"task {task_id} is done: 1,500 rows" in done.stderr
    rows = read((tmp_path / "result.csv").read_text())
    assert [int(row["row"]) for row in rows] == list(range(1, 1_501))
    assert [row["iris_class"] for row in rows] == [str(row["iris_class"]) for row in person.rows(task_id)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.csv", "rows.csv"]


def test_standard_input_becomes_a_result_on_standard_output(client: Client) -> None:
    given = rows_of.ndjson(flowers(3)).decode()

    done = client("submit", "-", "--format", "ndjson", "--model", "iris", "--output", "-", given=given)

    assert [row["row"] for row in read(done.stdout)] == ["1", "2", "3"]
    assert done.stdout.startswith("row,iris_class,")
    assert ID.search(done.stderr)


@pytest.mark.parametrize("kind", ["json", "ndjson", "csv", "parquet"])
def test_a_result_comes_in_every_format(client: Client, person: Person, tmp_path: Path, kind: str) -> None:
    task_id = person.made(person.send_rows(flowers(5)))
    person.ended(task_id)
    path = tmp_path / f"result.{kind}"

    client("result", task_id, "--output", path)
    client("result", task_id, "--output", tmp_path / "told", "--format", kind)

    assert path.read_bytes() == (tmp_path / "told").read_bytes()
    if kind == "parquet":
        assert path.read_bytes()[:4] == b"PAR1"
    elif kind == "json":
        assert json.loads(path.read_text()) == person.rows(task_id)
    else:
        assert len(path.read_text().splitlines()) == 5 + (kind == "csv")


def test_the_exit_status_tells_rows_that_failed_from_a_task_that_did(client: Client, tmp_path: Path) -> None:
    wrong = {**FLOWER, "petal_width": "wide"}
    some = file_of(tmp_path, [FLOWER, wrong, FLOWER], "some.csv")
    none = file_of(tmp_path, [wrong, wrong], "none.csv")

    done = client("submit", some, "--model", "iris", "--output", tmp_path / "some_result.csv", status=3)
    assert "1 of 3 rows have an error" in one_line(done)
    assert [bool(row["error"]) for row in read((tmp_path / "some_result.csv").read_text())] == [False, True, False]

    done = client("submit", none, "--model", "iris", "--output", tmp_path / "none_result.csv", status=1)
    assert "failed" in one_line(done)
    assert all(row["error"] for row in read((tmp_path / "none_result.csv").read_text()))


def test_tasks_are_listed_looked_at_and_removed(client: Client, tmp_path: Path) -> None:
    path = file_of(tmp_path, [{**FLOWER, "name": "a"}, {**FLOWER, "name": "b"}])
    first = client("submit", path, "--model", "iris", "--wait").stdout.strip()
    second = client("submit", path, "--model", "iris", "--wait").stdout.strip()

    # the newest first
    assert ID.findall(client("list").stdout) == [second, first]
    assert ID.findall(client("list", "--limit", "1").stdout) == [second]
    assert client("list", "--status", "failed").stdout == "no tasks\n"
    assert [task["id"] for task in json.loads(client("list", "--json", "--model", "iris").stdout)] == [second, first]
    told = dict(line.split(maxsplit=1) for line in client("status", first).stdout.splitlines() if "  " in line)
    assert told["status"] == "done"
    assert [row["name"] for row in read(client("input", first).stdout)] == ["a", "b"]
    assert "takes  sepal_length FP64, sepal_width FP64" in client("models").stdout

    # a task that has ended cannot be cancelled, only removed
    assert "409" in one_line(client("cancel", first, status=1))
    client("remove", first)
    assert ID.findall(client("list").stdout) == [second]
    assert "404" in one_line(client("status", first, status=1))


def test_more_tasks_than_a_page_holds_are_all_listed(client: Client, person: Person) -> None:
    made = [person.made(person.send_rows([FLOWER])) for _ in range(52)]

    assert ID.findall(client("list", "--all").stdout) == made[::-1]
    assert len(ID.findall(client("list").stdout)) == 20


def test_what_is_wrong_is_said_in_one_line(client: Client, tmp_path: Path) -> None:
    path = file_of(tmp_path, [FLOWER])
    nowhere = str(uuid.uuid4())
    without_width = file_of(tmp_path, [{"sepal_length": 5.1}], "narrow.csv")

    # nothing was asked of the API
    assert "no such file" in one_line(client("submit", tmp_path / "none.csv", "--model", "iris", status=2))
    assert "--format csv" in one_line(client("submit", "-", "--model", "iris", given="", status=2))
    output = tmp_path / "none" / "result.csv"
    assert "no folder" in one_line(client("submit", path, "--model", "iris", "--output", output, status=2))
    assert "TASK_CLIENT_USER" in one_line(client("list", status=2, TASK_CLIENT_USER="", TASK_CLIENT_PASSWORD=""))
    assert "no http address" in one_line(client("list", "--url", "localhost:8000", status=2))
    assert "Invalid value" in client("status", "no-id", status=2).stderr

    # the API refuses
    assert "422 model: " in one_line(client("submit", path, "--model", "rose", status=1))
    assert "petal_width" in one_line(client("submit", without_width, "--model", "iris", status=1))
    assert "404" in one_line(client("result", nowhere, status=1))
    assert "password is wrong" in one_line(client("list", status=1, TASK_CLIENT_PASSWORD="guessed"))
    assert "TASK_CLIENT_TOKEN is not good" in one_line(
        client("list", status=1, TASK_CLIENT_TOKEN="old", TASK_CLIENT_USER="", TASK_CLIENT_PASSWORD="")
    )
    # nobody answers
    assert "is it running" in one_line(client("list", "--url", "http://127.0.0.1:9", status=1))


@pytest.mark.parametrize("command", [["list"], ["models", "--json"]])
def test_an_output_that_takes_no_more_is_said_in_one_line(client: Client, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-m", "api.client", *command],
            stdout=full,
            stderr=subprocess.PIPE,
            env=client.environment,
            cwd=ROOT,
            text=True,
            check=False,
        )

    assert (done.returncode, done.stderr) == (1, "error: standard output: No space left on device\n")


def test_a_token_that_is_good_no_more_is_replaced(client: Client) -> None:
    assert client("list", TASK_CLIENT_TOKEN="old").stdout == "no tasks\n"


def test_a_task_that_has_not_ended_has_a_part_of_its_result(
    client: Client, person: Person, task_subscriber: Server
) -> None:
    # Given a task that nobody works off
    task_subscriber.stop()
    try:
        task_id = person.made(person.send_rows([FLOWER]))

        refused = one_line(client("result", task_id, status=1))
        assert "409" in refused
        assert f"wait {task_id}" in refused
        client("result", task_id, "--partial")

        # When it is cancelled, then a wait ends at once
        client("cancel", task_id)
        assert "was cancelled" in one_line(client("wait", task_id, status=1))
    finally:
        task_subscriber.restart()


def test_ctrl_c_leaves_the_task_and_says_how_to_come_back(
    client: Client, person: Person, task_subscriber: Server, tmp_path: Path
) -> None:
    path = file_of(tmp_path, flowers(10))
    task_subscriber.stop()
    try:
        waiting = client.start("submit", path, "--model", "iris", "--output", tmp_path / "result.csv")
        assert waiting.stdout is not None
        task_id = waiting.stdout.readline().strip()
        wait_until("it looks at the task", lambda: person.task(task_id)["status"] == "running")
        waiting.send_signal(signal.SIGINT)
        _, said = waiting.communicate(timeout=20)
    finally:
        task_subscriber.restart()

    assert waiting.returncode == 130
    command = f"python -m api.client wait {task_id} --output {tmp_path / 'result.csv'}"
    assert command in said
    assert not (tmp_path / "result.csv").exists()
    client(*command.split()[3:])
    assert len(read((tmp_path / "result.csv").read_text())) == 10


def test_a_killed_api_is_waited_for(
    client: Client, services: Services, settings: Settings, task_subscriber: Server, tmp_path: Path
) -> None:
    path = file_of(tmp_path, flowers(20_000))
    waiting = client.start("submit", path, "--model", "iris", "--output", tmp_path / "result.csv")
    assert waiting.stdout is not None
    assert ID.match(waiting.stdout.readline())

    services.api.kill()
    services.api.restart()

    _, said = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, said
    assert len(read((tmp_path / "result.csv").read_text())) == 20_000


def test_an_answer_that_was_lost_makes_no_second_task(client: Client, person: Person, tmp_path: Path) -> None:
    path = file_of(tmp_path, flowers(100))
    with BreakingLine(client.environment["API_URL"], b"POST /tasks") as line:
        line.answers_to_lose = 2
        task_id = client("submit", path, "--model", "iris", "--wait", "--url", line.url).stdout.strip()
        assert line.lost == 2

    assert ID.findall(client("list").stdout) == [task_id]


def test_a_result_whose_connection_breaks_is_fetched_anew_or_not_at_all(
    client: Client, person: Person, tmp_path: Path
) -> None:
    task_id = person.made(person.send_rows(flowers(3_000)))
    person.ended(task_id)
    whole = client("result", task_id).stdout
    with BreakingLine(client.environment["API_URL"], b"GET /tasks") as line:
        line.cut_after_bytes = 40_000
        client("result", task_id, "--output", tmp_path / "result.csv", "--url", line.url)
        assert line.lost == 1
        assert (tmp_path / "result.csv").read_text() == whole

        # what is printed cannot be taken back
        line.cut_after_bytes = 40_000
        broken = client("result", task_id, "--url", line.url, status=1)
        assert "not whole" in one_line(broken)
        assert whole.startswith(broken.stdout)


def test_a_large_file_takes_no_more_memory_than_a_small_one(client: Client, tmp_path: Path) -> None:
    small = file_of(tmp_path, [FLOWER], "small.csv")
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(400 * 1024 * 1024)

    peaks = {}
    for path in (small, large):
        # refused once it is there, since there is no such model
        process = client.start("submit", path, "--model", "rose")
        reader = threading.Thread(target=process.communicate)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        reader.start()
        reader.join()
        assert process.returncode == 1
        peaks[path] = usage.ru_maxrss

    assert peaks[large] < peaks[small] + 20 * 1024  # kB on Linux


def test_the_client_imports_nothing_of_the_rest_of_the_api() -> None:
    program = "import sys, api.client.cli; print(*sorted(m for m in sys.modules if m.startswith('api.')))"
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert [name for name in done.stdout.split() if not name.startswith("api.client")] == []
