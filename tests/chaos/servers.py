"""Faults of processes: killed, restarted, frozen; a disk that is full; a clock that jumps."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import psutil
import requests

from stack.process import account
from tests.chaos.effects import lasting, words

if TYPE_CHECKING:
    from pathlib import Path

    from stack.process import Server

# a file of the log has exactly this size, and must be written; a table's that has grown beyond it cannot
FULL_BYTES: Final = 16 * 1024 * 1024
# what Postgres says of a file that may not grow
REFUSED: Final = b"could not extend file"
# the clock's jumps are longer; an answer's date is of the last second
CLOCK_SECONDS: Final = 10.0
# a service that another fault has ended tells no time before it has started
START_SECONDS: Final = 120.0
KILLED: Final = -signal.SIGKILL
WRITERS: Final = ("checkpointer", "walwriter", "background writer")


def away(server: Server, seconds: float, status: int) -> str:
    """End it as `end` does; start it after so many seconds. Returns what was seen of it.

    Raises:
        ServerFailed: it had ended by itself, ends with another status, or does not start again.
    """
    effect = end(server, status)
    time.sleep(seconds)
    server.restart()
    return effect


def end(server: Server, status: int) -> str:
    """Kill it, if the status is that of a killed process, or ask it to stop, as an upgrade does; see that it is gone.

    Raises:
        ServerFailed: it had ended by itself, or ends with another status.
    """
    server.check_running()
    process = psutil.Process(server.pid)
    if status == KILLED:
        server.kill()
    else:
        server.stop()
    expect(server, status)
    return "" if process.is_running() else f"process {process.pid} ended with status {status}"


def expect(server: Server, status: int) -> None:
    """See that an ended server has this exit status.

    Raises:
        ServerFailed: it has another.
    """
    ended = server.process.returncode if server.process else None
    if ended != status:
        raise server.failed(f"ended with exit status {ended} in place of {status}")


def freeze(server: Server, seconds: float) -> str:
    """Every process of it stands still; its sockets stay open. Returns what was seen of it.

    Raises:
        ServerFailed: it had ended by itself.
    """
    server.check_running()
    processes = family(server)
    for process in processes:
        _signal(process, signal.SIGSTOP)
    try:
        stopped = lasting(seconds, lambda: sum(_stands(process) for process in processes))
    finally:
        for process in processes:
            _signal(process, signal.SIGCONT)
    return words(stopped, f"of {len(processes)} processes stopped")


def disk_full(server: Server, seconds: float) -> str:
    """No file of the server may grow beyond FULL_BYTES: its table's has, so that each write to it fails.

    Returns what the server's log says of it.

    Every user may set this limit for own processes, unlike fill a disk; Linux alone can set it for running ones.
    """
    # those that write for all go on: what they cannot write brings the server down, which is another fault
    said_before = server.log.stat().st_size
    limit(server, [p for p in family(server) if not any(name in _title(p) for name in WRITERS)], str(FULL_BYTES))
    try:
        refused = lasting(seconds, lambda: server.log.read_bytes()[said_before:].count(REFUSED))
    finally:
        limit(server, family(server), "unlimited")
    return words(refused, "times the table could not grow")


def limit(server: Server, processes: list[psutil.Process], size: str) -> None:
    """Let no file of these processes grow beyond so many bytes; done as their user, which root may have to become."""
    for process in processes:
        subprocess.run(  # noqa: S603 (our own processes' numbers)
            ["prlimit", f"--pid={process.pid}", f"--fsize={size}:"],  # noqa: S607 (of util-linux, wherever that is)
            check=False,
            capture_output=True,
            **account(server.user),
        )


def shift_clock(file: Path, seconds: float, jump: float, url: str) -> str:
    """The wall clock of a Python service jumps, and back. Returns what its answers from this address say of it."""
    file.write_text(str(jump))
    try:
        seen = lasting(seconds, lambda: abs(_ahead(url) - jump) < CLOCK_SECONDS, START_SECONDS)
    finally:
        file.write_text("0")
    return f"its answers are dated {jump:+.0f} s" if seen else ""


def _ahead(url: str) -> float:
    """By how many seconds a service's clock is ahead of ours; not a number where it does not answer."""
    try:
        date = requests.get(url, timeout=2).headers["Date"]
    except requests.RequestException:
        return float("nan")
    return parsedate_to_datetime(date).timestamp() - time.time()


def family(server: Server) -> list[psutil.Process]:
    """The server's process and those that it has started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(server.pid)
        return [process, *process.children(recursive=True)]
    return []


def _stands(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() == psutil.STATUS_STOPPED)
    return False


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
