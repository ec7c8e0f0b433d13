"""Faults that must be seen: on processes that end, stand still, or ended before."""

from __future__ import annotations

import itertools
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from stack.errors import ServerFailed
from stack.process import Server
from tests.chaos import servers
from tests.chaos.answers import Answers
from tests.chaos.effects import lasting, missed
from tests.chaos.journal import Done
from tests.chaos.plan import Fault
from tests.faults import status
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLEEP = "import time; print('up', flush=True); time.sleep(60)"


def done(kind: str, effect: str, began: float = 100.0) -> Done:
    return Done(Fault(0, 0, kind, "api", 0.0, 1.0), began, began + 1, effect)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    log = tmp_path / "log" / "sleeper.log"
    server = Server("sleeper", [sys.executable, "-c", SLEEP], tmp_path, ready=lambda: b"up" in log.read_bytes())
    server.restart()
    yield server
    if server.running:
        server.kill()


def test_a_kind_of_which_nothing_was_seen() -> None:
    faults = [done("cut", ""), done("429", "", 110), done("cut", "3 answers", 120), done("429", "", 130)]
    (wrong,) = missed(faults)
    assert wrong == ("429: none of 2 took effect", 130)


def test_a_run_without_faults_proves_nothing() -> None:
    (wrong,) = missed([])
    assert wrong.what == "no fault was injected"


def test_a_fault_lasts_until_it_is_seen_and_no_longer_than_patience() -> None:
    looks = itertools.chain([0, 0, 3])
    assert lasting(0, lambda: next(looks), 10) == 3
    assert lasting(0, lambda: 0, 0.1) == 0


def test_a_process_that_is_killed_is_gone(server: Server) -> None:
    before = server.pid
    assert servers.away(server, 0, servers.KILLED) == f"process {before} ended with status -9"
    assert server.running
    assert server.pid != before


@pytest.mark.parametrize(
    "fault", [lambda s: servers.end(s, servers.KILLED), lambda s: servers.end(s, 0), lambda s: servers.freeze(s, 0)]
)
def test_a_process_that_ended_before_its_fault_is_noticed(server: Server, fault: object) -> None:
    server.send(signal.SIGTERM)
    psutil.Process(server.pid).wait(10)
    with pytest.raises(ServerFailed, match="exit status"):
        fault(server)  # type: ignore[operator]


def test_a_process_that_stops_with_another_status_is_noticed(server: Server) -> None:
    with pytest.raises(ServerFailed, match="exit status -15 in place of 0"):
        servers.end(server, 0)


def test_a_process_that_stands_still_is_seen_to(server: Server) -> None:
    assert servers.freeze(server, 0.1) == "1 of 1 processes stopped"
    assert psutil.Process(server.pid).status() != psutil.STATUS_STOPPED


def test_answers_that_are_cut_are_counted() -> None:
    with Answers(f"http://127.0.0.1:{free_port()}") as answers:
        answers.fault = lambda _: status(200)
        assert requests.post(answers.address, json={}, timeout=10).ok
        assert answers.halved == 0
        answers.broken = True
        with pytest.raises(requests.RequestException):
            requests.post(answers.address, json={}, timeout=10)
        assert answers.halved == 1
