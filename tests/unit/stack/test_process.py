"""A server is started, watched and stopped as a process, also one that an earlier run left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from stack.errors import PortBusy, ServerFailed
from stack.process import Server
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    MakeServer = Callable[..., Server]

WAITS = "print('up', flush=True); signal.pause()"
DEAF = f"signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
# starts a server as a run of the stack does, then stands still and never asks after it
CARELESS_PARENT = """
import json, pathlib, signal, sys
from stack.process import Server
folder, command = json.loads(sys.argv[1])
server = Server("s", command, pathlib.Path(folder), ready=lambda: True)
server.start()
print(server.pid, flush=True)
signal.pause()
"""


def command(code: str) -> list[str]:
    return [sys.executable, "-c", f"import signal; {code}"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MakeServer]:
    """Make servers of one state folder, ready once they have said so; they end with the test."""
    made: list[Server] = []

    def make(code: str, **more: Any) -> Server:
        given: dict[str, Any] = {"folder": tmp_path, "ready": lambda: "up" in new.tail(), "stop_seconds": 5.0} | more
        new: Server = Server("s", command(code), **given)
        made.append(new)
        return new

    yield make
    for each in made:
        if each.running:
            each.kill()


def test_a_server_that_is_asked_to_stop_is_gone(server: MakeServer) -> None:
    running = server(WAITS)
    running.restart()
    assert running.running

    assert running.stop() == -signal.SIGTERM

    assert not running.running
    assert not list((running.folder / "run").iterdir())


def test_a_server_that_does_not_hear_is_killed(server: MakeServer) -> None:
    running = server(DEAF, stop_seconds=0.05)
    running.restart()

    assert running.stop() == -signal.SIGKILL


def test_a_frozen_server_is_stopped_too(server: MakeServer) -> None:
    running = server(WAITS)
    running.restart()
    running.send(signal.SIGSTOP)
    _, status = os.waitpid(running.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)

    assert running.stop() == -signal.SIGTERM


def test_a_server_that_stops_by_itself_is_told_with_the_end_of_its_log(server: MakeServer) -> None:
    failing = server("print('no room', flush=True); raise SystemExit(3)")
    failing.start()

    with pytest.raises(ServerFailed, match="s stopped with exit status 3; its log: ") as raised:
        failing.wait_ready()

    assert raised.value.log_tail == ["no room"]


def test_a_server_that_never_serves_is_told(server: MakeServer) -> None:
    never = server(WAITS, ready=lambda: False, ready_seconds=0.05)
    never.start()

    with pytest.raises(ServerFailed, match="s was not ready after 0 s"):
        never.wait_ready()


def test_a_port_that_is_taken_is_told_before_anything_starts(server: MakeServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = server(WAITS, ports=[port])

        with pytest.raises(PortBusy, match=rf"^port {port} \(s\) is in use by another program: .*--port-offset N"):
            refused.start()

    assert refused.process is None


@pytest.mark.parametrize(("code", "stop_seconds"), [(WAITS, 5.0), (DEAF, 0.05)], ids=["hearing", "deaf"])
def test_a_server_of_a_run_that_was_killed_is_stopped_by_the_next(
    server: MakeServer, code: str, stop_seconds: float
) -> None:
    # given a run that was killed before it could stop its server
    before = server(code)
    before.restart()
    left = psutil.Process(before.pid)

    # when the next run starts
    after = server(WAITS, stop_seconds=stop_seconds)
    after.restart()

    # then only its own server is there
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE
    assert after.running


def test_a_leftover_that_nobody_buries_is_not_waited_for(tmp_path: Path, server: MakeServer) -> None:
    # given a server whose parent does not ask after it
    arguments = json.dumps([str(tmp_path), command(WAITS)])
    with subprocess.Popen(  # noqa: S603 (our own program)
        [sys.executable, "-c", CARELESS_PARENT, arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        left = psutil.Process(int(parent.stdout.readline()))

        try:
            # when it is stopped
            server(WAITS).stop_leftover()

            # then it has ended, though its entry in the process table stays
            assert left.status() == psutil.STATUS_ZOMBIE
        finally:
            parent.kill()


@pytest.mark.parametrize("content", ["", "no numbers", "4194305 1.0", "{pid} 1.0"])
def test_a_process_that_only_has_the_old_number_is_spared(tmp_path: Path, server: MakeServer, content: str) -> None:
    # given a pid file that does not speak of the process that has this pid now
    stranger = server(WAITS, folder=tmp_path / "other")
    stranger.restart()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "s.pid").write_text(content.format(pid=stranger.pid))

    server(WAITS).stop_leftover()

    assert stranger.running


def test_a_killed_server_is_gone_with_its_children(server: MakeServer) -> None:
    # given a server whose child outlives it for a moment
    new = server("import subprocess; print(subprocess.Popen(['sleep', '0.5']).pid, flush=True); " + WAITS)
    new.start()
    new.wait_ready()
    (child,) = (psutil.Process(int(line)) for line in new.tail() if line.isdigit())

    # when it is killed
    new.kill()

    # then the child has ended too
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
