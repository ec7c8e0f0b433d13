"""Registering twice changes nothing, old failures get one more chance, new ones are told."""

from typing import cast

import pytest

from connectors.connect import Connect
from connectors.deadline import Deadline
from connectors.definition import Definition
from connectors.deploy import deploy
from connectors.errors import DefinitionError, TaskFailedError
from connectors.status import Part, Status

STARTING = Status("c", (Part("connector", "RUNNING"),))
OK = Status("c", (Part("connector", "RUNNING"), Part("task 0", "RUNNING")))
BROKEN = Status("c", (Part("connector", "RUNNING"), Part("task 0", "FAILED", "a.B: it broke")))
DEFINITION = Definition("c", {"connector.class": "x"})


class Tries(Deadline):
    """Allows ten tries, at once."""

    left = 10

    def pause(self, seconds: float = 0.0) -> bool:
        self.left -= 1 if seconds else 0
        return self.left > 0


class FakeConnect:
    """Tells one status after the other, and the last one for ever."""

    def __init__(self, *statuses: Status | None, registered: dict[str, str] | None = None, wrong: str = "") -> None:
        self.statuses = list(statuses)
        self.registered = registered
        self.wrong = wrong
        self.done: list[str] = []

    def field_errors(self, definition: Definition) -> list[str]:
        assert definition is DEFINITION
        return [self.wrong] if self.wrong else []

    def config(self, name: str) -> dict[str, str] | None:
        assert name == "c"
        return self.registered

    def put(self, definition: Definition) -> None:
        self.done.append(f"put {definition.name}")

    def restart_failed(self, name: str) -> None:
        self.done.append(f"restart {name}")

    def status(self, name: str) -> Status | None:
        assert name == "c"
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


def run(connect: FakeConnect) -> list[str]:
    lines: list[str] = []
    deploy(cast("Connect", connect), DEFINITION, Tries(9), lines.append)
    return lines


def test_a_new_definition_is_registered_and_waited_for() -> None:
    connect = FakeConnect(None, STARTING, OK)

    assert run(connect) == ["c: registered", "c: connector RUNNING, task 0 RUNNING"]
    assert connect.done == ["put c"]


def test_an_unchanged_definition_is_left_alone() -> None:
    connect = FakeConnect(OK, registered={"connector.class": "x", "name": "c"})

    assert run(connect)[0] == "c: registered already, nothing changed"
    assert connect.done == []


def test_a_changed_definition_is_replaced() -> None:
    connect = FakeConnect(OK, registered={"connector.class": "y", "name": "c"})

    assert run(connect)[0] == "c: replaced"
    assert connect.done == ["put c"]


def test_a_running_state_counts_only_when_it_lasts() -> None:
    # given a state of before the change, then the failure that the change brings
    with pytest.raises(TaskFailedError):
        run(FakeConnect(OK, BROKEN))


def test_a_failure_of_before_is_restarted_once() -> None:
    connect = FakeConnect(BROKEN, STARTING, OK)

    assert run(connect)[1] == "c: FAILED, restarting it once (task 0: it broke)"
    assert connect.done == ["put c", "restart c"]


def test_a_lasting_failure_is_told_with_its_cause() -> None:
    connect = FakeConnect(BROKEN)

    with pytest.raises(TaskFailedError, match=r"^c fails: task 0: it broke$"):
        run(connect)
    assert connect.done == ["put c", "restart c"]


def test_what_never_starts_is_told_at_the_deadline() -> None:
    with pytest.raises(TaskFailedError, match="not running after 9 s: c: connector RUNNING"):
        run(FakeConnect(STARTING))


def test_a_refused_field_is_told_and_nothing_is_registered() -> None:
    connect = FakeConnect(OK, wrong="slot.name: is bad")

    with pytest.raises(DefinitionError, match=r"^c: slot\.name: is bad$"):
        run(connect)
    assert connect.done == []
