"""Only a connector whose every task runs counts as running."""

import pytest

from connectors.status import Status


def answer(connector: str, *tasks: str) -> dict[str, object]:
    return {
        "name": "c",
        "connector": {"state": connector, "worker_id": "w"},
        "tasks": [{"id": number, "state": state, "worker_id": "w"} for number, state in enumerate(tasks)],
        "type": "source",
    }


@pytest.mark.parametrize(
    ("content", "running", "failures"),
    [
        (answer("RUNNING", "RUNNING"), True, []),
        (answer("RUNNING"), False, []),
        (answer("RUNNING", "RUNNING", "FAILED"), False, ["task 1"]),
        (answer("FAILED"), False, ["connector"]),
        (answer("RUNNING", "UNASSIGNED"), False, []),
        (answer("PAUSED", "PAUSED"), False, []),
    ],
)
def test_states(content: dict[str, object], running: bool, failures: list[str]) -> None:
    status = Status.from_json(content)

    assert status.running == running
    assert [part.what for part in status.failures] == failures


def test_it_reads_as_a_line() -> None:
    assert str(Status.from_json(answer("RUNNING", "FAILED"))) == "c: connector RUNNING, task 0 FAILED"
