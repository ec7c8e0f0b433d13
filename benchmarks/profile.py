"""Where the time of subscriber and model API goes during a backlog: `python -m benchmarks.profile`.

Prints the CPU seconds of each thread, as the system counts them, and the functions that were met most often at work
there, as py-spy samples them. py-spy is a program of its own: `--py-spy` says where, `.venv-bench` and the path are
looked at otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.running import TOPIC, Running
from benchmarks.topic import fill
from stack.errors import StackError
from stack.progress import Progress
from stack.servers import report
from stack.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


# py-spy counts its seconds by these: more than the machine has time for would take it longer
SAMPLES_A_SECOND: Final = 100
WAIT_SECONDS: Final = 120
POLL_SECONDS: Final = 0.1
# the first batches are slower than those that follow
WARM_UP_ROWS: Final = 100_000
SHOWN: Final = 12
# of /proc/PID/task/TID/stat: the name stands in brackets, and these count from behind them
USER_TICKS, SYSTEM_TICKS = 11, 12


@dataclass(frozen=True)
class Function:
    """A function of one thread: the share of the thread's samples in it alone, and in it or what it called."""

    thread: str
    name: str
    alone: float
    with_callees: float


def functions(stacks: Iterable[str]) -> dict[str, list[Function]]:
    """The functions of each thread, those first in which it was most, from py-spy's raw lines.

    A line is `thread;outermost;…;innermost count`; the thread comes first where py-spy is told `--threads`.
    """
    samples: Counter[str] = Counter()
    alone: defaultdict[str, Counter[str]] = defaultdict(Counter)
    within: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        thread, *frames = stack.split(";")
        if not frames:
            continue
        samples[thread] += int(count)
        alone[thread][frames[-1]] += int(count)
        for frame in set(frames):
            within[thread][frame] += int(count)
    return {
        thread: [
            Function(thread, name, alone[thread][name] / total, count / total)
            for name, count in sorted(within[thread].items(), key=lambda item: (-alone[thread][item[0]], -item[1]))
        ]
        for thread, total in samples.most_common()
    }


def thread_seconds(pid: int) -> dict[str, float]:
    """CPU seconds of each thread of a process, by its number and name; Linux alone tells them."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            # it has ended
            continue
        fields = rest.split()
        ticks = int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])
        found[f"{task.name} {name}"] = ticks / os.sysconf("SC_CLK_TCK")
    return found


def sampler(named: Path | None) -> str:
    """The py-spy to use.

    Raises:
        StackError: there is none.
    """
    beside = ROOT / ".venv-bench" / "bin" / "py-spy"
    found = str(named) if named else shutil.which("py-spy", path=f"{beside.parent}{os.pathsep}{os.environ['PATH']}")
    if found is None or shutil.which(found) is None:
        raise StackError(f"there is no py-spy at {named or beside}: install it into a venv, and name it with --py-spy")
    return found


def profile(py_spy: str, pids: Mapping[str, int], seconds: int, folder: Path) -> None:
    """Print what each process did in so many seconds."""
    before = {name: thread_seconds(pid) for name, pid in pids.items()}
    began = time.monotonic()
    raw = {name: folder / f"{name}.stacks" for name in pids}
    running = [
        subprocess.Popen(  # noqa: S603 (the program that was asked for)
            [
                py_spy,
                "record",
                "--pid",
                str(pid),
                "--duration",
                str(seconds),
                "--rate",
                str(SAMPLES_A_SECOND),
                "--format",
                "raw",
                "--threads",
                "--function",
                "--nonblocking",
                "--output",
                str(raw[name]),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, pid in pids.items()
    ]
    for process in running:
        try:
            status = process.wait(seconds + WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise StackError(f"py-spy did not end within {seconds + WAIT_SECONDS} s") from None
        if status != 0:
            raise StackError(f"py-spy ended with exit status {status}: may it look at other processes (ptrace)?")
    elapsed = time.monotonic() - began
    for name, pid in pids.items():
        after = thread_seconds(pid)
        taken = {thread: after[thread] - before[name].get(thread, 0.0) for thread in after}
        _print(name, taken, elapsed, functions(raw[name].read_text().splitlines()))


def _print(process: str, taken: Mapping[str, float], seconds: float, found: Mapping[str, list[Function]]) -> None:
    console = Console()
    threads = Table("thread", "of a core", title=f"{process}: {sum(taken.values()) / seconds:.0%} of a core")
    for thread, used in sorted(taken.items(), key=lambda item: -item[1])[:SHOWN]:
        threads.add_row(thread, f"{used / seconds:.1%}")
    console.print(threads)
    for thread, those in found.items():
        table = Table("function", "alone", "with what it calls", title=f"{process}: {thread}")
        for function in those[:SHOWN]:
            table.add_row(function.name, f"{function.alone:.1%}", f"{function.with_callees:.1%}")
        console.print(table)


def _wait_for_predictions(running: Running) -> None:
    end = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(running.settings.reader_dsn(), autocommit=True) as target:
        while (target.execute("select coalesce(max(id), 0) from iris_prediction").fetchone() or (0,))[0] < WARM_UP_ROWS:
            if time.monotonic() > end:
                raise StackError(f"{WARM_UP_ROWS} rows were not predicted within {WAIT_SECONDS} s")
            time.sleep(POLL_SECONDS)


def main(
    rows: Annotated[int, typer.Option(help="Rows of the backlog.")] = 2_000_000,
    seconds: Annotated[int, typer.Option(min=1, help="How long to look.")] = 10,
    py_spy: Annotated[Path | None, typer.Option(help="The py-spy program.")] = None,
) -> None:
    """Profile one subscriber and one model API on a filled topic."""
    running = Running(Progress(Console(stderr=True)))
    try:
        program = sampler(py_spy)
        with running.started():
            # the connector, which made the topic, has nothing to carry meanwhile
            fill(running.settings.kafka_bootstrap_servers, TOPIC, rows)
            services = running.services
            services.subscriber.restart()
            _wait_for_predictions(running)
            pids = {"subscriber": services.subscriber.pid, "api": services.api.pid}
            profile(program, pids, seconds, running.folder / "log")
    except StackError as error:
        report(error)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    if sys.platform != "linux":
        sys.exit("error: the system does not tell the CPU seconds of a thread; Linux does")
    typer.run(main)
