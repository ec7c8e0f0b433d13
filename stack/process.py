"""One server as a child process: started in a session of its own, logged to a file, stopped by its signal."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil

from stack.errors import PortBusy, ServerFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

READY_POLL_SECONDS = 0.05
TAIL_LINES = 25
CHILDREN_SECONDS = 10.0


@dataclass
class Server:
    """A server's command and, once started, its process.

    `user` is the account to run as when that is not ours. `ready` answers whether it serves; an exception it raises
    counts as no. A session of its own keeps the terminal's Ctrl-C from reaching the server before we stop it in order.
    """

    name: str
    command: Sequence[str | os.PathLike[str]]
    folder: Path
    ready: Callable[[], bool]
    ports: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 30.0
    ready_seconds: float = 180.0
    user: str | None = None
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log" / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "run" / f"{self.name}.pid"

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} is not started"  # noqa: S101
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process and return at once.

        Raises:
            PortBusy: one of its ports is taken.
        """
        self.stop_leftover()
        self.check_ports()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                cwd=self.cwd or "/",
                start_new_session=True,
                **account(self.user),
            )
        self._pid_file.write_text(f"{self.pid} {psutil.Process(self.pid).create_time()}\n")

    def check_ports(self) -> None:
        """See that nobody listens where this server is to.

        Raises:
            PortBusy: somebody does.
        """
        for port in self.ports:
            if listening(port):
                raise PortBusy(self.name, port)

    def wait_ready(self) -> None:
        """Wait until the server serves.

        Raises:
            ServerFailed: it stopped, or took longer than `ready_seconds`.
        """
        end = time.monotonic() + self.ready_seconds
        while time.monotonic() < end:
            self.check_running()
            with contextlib.suppress(Exception):
                if self.ready():
                    return
            time.sleep(READY_POLL_SECONDS)
        raise self.failed(f"was not ready after {self.ready_seconds:.0f} s")

    def check_running(self) -> None:
        """See that the process still runs.

        Raises:
            ServerFailed: it does not.
        """
        if not self.running:
            raise self.failed(f"stopped with exit status {self.process.returncode if self.process else None}")

    def stop(self) -> int | None:
        """Ask the process to stop, insist after `stop_seconds`; returns its exit status."""
        if self.process is None:
            return None
        if self.running:
            # a frozen process hears no signal but this one
            self.send(signal.SIGCONT)
            self.send(self.stop_signal)
            try:
                self.process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self._pid_file.unlink(missing_ok=True)
        return self.process.returncode

    def kill(self) -> None:
        """End the process at once, as a crash would, and wait for its children: a new one is not let in before."""
        children: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.pid).children(recursive=True)
        self.send(signal.SIGKILL)
        assert self.process is not None  # noqa: S101
        self.process.wait()
        # they see by themselves that it is gone, but for those that are frozen
        _, left = psutil.wait_procs(children, timeout=CHILDREN_SECONDS)
        for child in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()

    def send(self, signal_: signal.Signals) -> None:
        os.kill(self.pid, signal_)

    def restart(self) -> None:
        """Start again after `stop` or `kill`, and wait until it serves."""
        self.start()
        self.wait_ready()

    def stop_leftover(self) -> None:
        """Stop this server's process of an earlier run that was killed before it could."""
        try:
            pid, created = self._pid_file.read_text().split()
            process = psutil.Process(int(pid))
            if abs(process.create_time() - float(created)) > 1:
                return
        except (OSError, ValueError, psutil.NoSuchProcess):
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(self.stop_signal)
            if not _ends(process, self.stop_seconds):
                process.kill()
                _ends(process, self.stop_seconds)

    def tail(self) -> list[str]:
        """The last lines of the log."""
        try:
            return self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        except OSError:
            return []

    def failed(self, what: str) -> ServerFailed:
        return ServerFailed(self.name, what, self.log, self.tail())


def stop_leftovers(folder: Path) -> None:
    """Stop every server that a run which was killed left behind in this state folder."""
    for pid_file in sorted((folder / "run").glob("*.pid")):
        # all end by it, and Postgres does not wait for its clients
        Server(pid_file.stem, (), folder, ready=lambda: False, stop_signal=signal.SIGINT).stop_leftover()


def _ends(process: psutil.Process, seconds: float) -> bool:
    """Whether the process ends within so many seconds. One that its parent has yet to bury has ended."""
    end = time.monotonic() + seconds
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > end:
                return False
            time.sleep(READY_POLL_SECONDS)
    return True


def account(user: str | None) -> dict[str, Any]:
    """Arguments of `subprocess` to run as `user`; none for ourselves."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def listening(port: int) -> bool:
    """Whether somebody on this machine accepts connections on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
