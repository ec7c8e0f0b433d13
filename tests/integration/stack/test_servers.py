"""`python -m stack servers` as a person meets it: busy ports, second runs, runs that were killed."""

from __future__ import annotations

import re
import signal
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from stack.cli import folder_of
from stack.process import listening
from stack.settings import Settings
from tests.runs import Run, as_processes, finished, free_offset, ports

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = as_processes
SERVERS = {"archive", "cache", "connect", "kafka", "source", "target"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run whose servers are up."""
    run = Run(free_offset(), tmp_path_factory.mktemp("run") / "first", "servers")
    try:
        run.wait_said("servers are up")
        yield run
    finally:
        run.process.kill()
        run.process.wait()
        assert finished("clean", "--port-offset", str(run.offset)).returncode == 0


@pytest.mark.parametrize("server", ["target", "kafka controller", "cache", "archive", "archive filer.port"])
def test_a_busy_port_is_one_line_that_names_it_and_the_way_out(server: str) -> None:
    # given another program on a port of ours
    offset = free_offset()
    port = ports(Settings().moved(offset))[server]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()

        # when the servers are started
        done = finished("servers", "--port-offset", str(offset))

    try:
        # then nothing is
        assert done.returncode == 1
        assert done.stdout == ""
        errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
        assert errors == [
            f"error: port {port} ({server.split(maxsplit=1)[0]}) is in use by another program: stop it, or move all "
            f"ports with --port-offset N (make demo PORT_OFFSET=N)"
        ]
        assert "Traceback" not in done.stderr
        assert not list((folder_of(offset) / "run").glob("*.pid"))
    finally:
        finished("clean", "--port-offset", str(offset))


def test_the_addresses_are_printed_and_kept_for_us_alone(run: Run) -> None:
    file = run.folder / "env"

    printed = dict(line.split("=", 1) for line in run.printed().splitlines())

    key = Path(printed.pop("TOKEN_SIGNING_KEY_FILE"))
    assert printed == run.settings.environment()
    assert key.is_relative_to(run.folder)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert re.fullmatch(r"[0-9a-f]{64}", key.read_text())
    assert file.read_text() == run.printed()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run.servers().keys() == SERVERS


def test_the_servers_are_for_this_machine_alone(run: Run) -> None:
    listened = {
        (connection.laddr.ip, connection.laddr.port)
        for server in run.servers().values()
        for process in (server, *server.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert {port for _, port in listened} >= set(ports(run.settings).values())
    assert {ip.removeprefix("::ffff:") for ip, _ in listened} == {"127.0.0.1"}


@pytest.mark.parametrize("arguments", ["servers", "clean", "demo --for 1"])
def test_a_second_run_on_the_same_state_is_refused(run: Run, arguments: str) -> None:
    done = finished(*arguments.split(), "--port-offset", str(run.offset))

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: another run (pid {run.process.pid}) uses {run.folder}: stop it with Ctrl-C")
    assert run.servers().keys() == SERVERS
    assert all(server.is_running() for server in run.servers().values())


def test_what_a_killed_run_left_behind_is_stopped_by_the_next(run: Run, tmp_path: Path) -> None:
    # given a run that was killed while its servers ran
    left = run.servers()
    run.process.kill()
    run.process.wait()
    assert all(server.is_running() for server in left.values())

    # when the next one starts
    after = Run(run.offset, tmp_path / "second", "servers")
    try:
        after.wait_said("servers are up")

        # then only its own servers run
        assert not any(server.is_running() for server in left.values())
        now = after.servers()
        assert now.keys() == left.keys()
        assert {server.pid for server in now.values()}.isdisjoint(server.pid for server in left.values())

        # and they end with it, in order
        after.process.send_signal(signal.SIGTERM)
        assert after.process.wait(60) == 0
        assert not any(server.is_running() for server in now.values())
        assert not any(listening(port) for port in ports(run.settings).values())
        assert not list((run.folder / "run").glob("*.pid"))
    finally:
        after.process.kill()
        after.process.wait()
