"""`python -m stack servers` as a person meets it: busy ports, second runs, runs that were killed."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from stack.cli import folder_of
from stack.process import listening
from stack.settings import ROOT, Settings
from tests.stream import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.environ.get("STACK") == "docker", reason="about the servers as processes")
# beyond those of the other tests, with every port below 32768
OFFSETS = range(22_000, 23_600, 50)
SERVERS = {"connect", "kafka", "source", "target"}
READY_SECONDS = 120.0


def ports(settings: Settings) -> dict[str, int]:
    """The server that listens on each port, and the port; Kafka's controller is one higher."""
    return {
        "source": settings.source_port,
        "target": settings.target_port,
        "kafka": settings.kafka_port,
        "kafka controller": settings.kafka_port + 1,
        "connect": settings.connect_port,
    }


def free_offset() -> int:
    """A port offset at which nobody listens and no state is kept."""
    for offset in OFFSETS:
        taken = any(listening(port) for port in ports(Settings().moved(offset)).values())
        if not taken and not folder_of(offset).exists():
            return offset
    raise RuntimeError(f"no free ports for servers at an offset of {OFFSETS}")


def verb(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "stack", *arguments]


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A verb that ends by itself."""
    return subprocess.run(  # noqa: S603 (our own program)
        verb(*arguments), capture_output=True, text=True, check=False, cwd=ROOT, timeout=READY_SECONDS
    )


class Run:
    """`python -m stack servers` at an offset, its output in files."""

    def __init__(self, offset: int, log: Path) -> None:
        self.offset = offset
        self.settings = Settings().moved(offset)
        self.folder = folder_of(offset)
        self.log = log
        with log.with_suffix(".out").open("w") as out, log.with_suffix(".err").open("w") as err:
            self.process = subprocess.Popen(  # noqa: S603 (our own program)
                verb("servers", "--port-offset", str(offset)), stdout=out, stderr=err, cwd=ROOT
            )

    def wait_ready(self) -> None:
        wait_until("the servers are up", self._up, READY_SECONDS)

    def _up(self) -> bool:
        assert self.process.poll() is None, self.said()
        return "servers are up" in self.said()

    def said(self) -> str:
        return self.log.with_suffix(".err").read_text()

    def printed(self) -> str:
        return self.log.with_suffix(".out").read_text()

    def servers(self) -> dict[str, psutil.Process]:
        """Its servers' processes by name."""
        return {
            file.stem: psutil.Process(int(file.read_text().split()[0])) for file in (self.folder / "run").glob("*.pid")
        }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run whose servers are up."""
    run = Run(free_offset(), tmp_path_factory.mktemp("run") / "first")
    try:
        run.wait_ready()
        yield run
    finally:
        run.process.kill()
        run.process.wait()
        assert finished("clean", "--port-offset", str(run.offset)).returncode == 0


@pytest.mark.parametrize("server", ["target", "kafka controller"])
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

    assert printed == run.settings.environment()
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
    after = Run(run.offset, tmp_path / "second")
    try:
        after.wait_ready()

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
