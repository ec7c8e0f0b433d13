"""The stack's verbs: `python -m stack servers | demo | ledger | clean | lock`."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console

from stack.demo import Demo, Flow, on_interrupt
from stack.errors import StackError
from stack.ledger import settled
from stack.lock import write_lock
from stack.process import stop_leftovers
from stack.progress import Progress
from stack.servers import Stack, exclusive, report
from stack.settings import LOCK, Settings, cache_folder, environment_lines, state_root, write_environment

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

PortOffset = Annotated[int, typer.Option(help="Move every port by this much, to run beside another stack.")]
Tuned = Annotated[bool, typer.Option(help="Run the Java servers for throughput instead of a quick start.")]


def folder_of(port_offset: int) -> Path:
    """State of the stack at this offset; stacks at different offsets never meet."""
    return state_root() / f"ports-{port_offset}"


@app.command()
def servers(port_offset: PortOffset = 0, tuned: Tuned = False) -> None:
    """Run the servers alone, until Ctrl-C; print their addresses as environment lines, also to a file."""
    settings = Settings().moved(port_offset)
    folder = folder_of(port_offset)
    console = Console(stderr=True)
    progress = Progress(console)
    stopped = threading.Event()
    up = threading.Event()

    def interrupted(*_: object) -> None:
        first = not stopped.is_set()
        stopped.set()
        if first and not up.is_set():
            raise KeyboardInterrupt

    on_interrupt(interrupted)
    stack = Stack(settings, folder, tuned=tuned)
    try:
        with exclusive(folder):
            try:
                stack.fetch(progress)
                stack.start(progress.say)
                up.set()
                environment = write_environment(settings, folder)
                print(environment.read_text(), end="", flush=True)
                progress.say(f"servers are up; in a second terminal: set -a; . {environment}; set +a")
                progress.say("Ctrl-C stops them")
                stopped.wait()
            finally:
                up.set()
                progress.say("stopping the servers")
                stack.stop()
                on_interrupt(signal.SIG_IGN)
    except StackError as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    progress.say("stopped")


@app.command()
def demo(
    seconds: Annotated[float | None, typer.Option("--for", help="Stop by itself after so many seconds.")] = None,
    rate: Annotated[float, typer.Option(help="Rows a second; 0 as fast as it goes.")] = 1.0,
    drift: Annotated[
        float, typer.Option(help="Shift the distributions of rows and applications; see the data generator.")
    ] = 0.0,
    images: Annotated[float, typer.Option(min=0, help="Images a second to the model API; 0 for none.")] = 1.0,
    applications: Annotated[
        float, typer.Option(min=0, help="Applications for a credit a second to the model API; 0 for none.")
    ] = 1.0,
    port_offset: PortOffset = 0,
) -> None:
    """Run everything: rows flow, predictions follow, and the end proves that none was lost or doubled."""
    folder = folder_of(port_offset)
    progress = Progress(Console(stderr=True))
    balanced = False
    try:
        with exclusive(folder):
            running = Demo(Settings().moved(port_offset), folder, progress)
            try:
                balanced = running.run(Flow(seconds, rate, drift, images, applications))
            finally:
                running.stop()
    except StackError as error:
        report(error)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0 if balanced else 1)


@app.command()
def clean(port_offset: Annotated[int | None, typer.Option(help="Only the state at this offset.")] = None) -> None:
    """Forget all state (databases, topics, logs). Downloads stay in the cache."""
    root = state_root()
    patterns = ["ports-*", "tests-*"] if port_offset is None else [folder_of(port_offset).name]
    try:
        for folder in sorted(found for pattern in patterns for found in root.glob(pattern)):
            with exclusive(folder):
                stop_leftovers(folder)
                shutil.rmtree(folder)
        if port_offset is None:
            # STACK_STATE may name a folder that holds more than ours
            for name in ("software", "cds"):
                shutil.rmtree(root / name, ignore_errors=True)
            with contextlib.suppress(OSError):
                root.rmdir()
    except StackError as error:
        report(error)
        sys.exit(1)


@app.command()
def ledger(
    wait: Annotated[float, typer.Option(help="Seconds that the newest rows have to be predicted.")] = 60.0,
    port_offset: PortOffset = 0,
) -> None:
    """Compare source with target, wherever they run: has each row of now exactly one prediction or dead letter?"""
    settings = Settings().moved(port_offset)
    try:
        found = settled(settings.source_dsn(), settings.reader_dsn(), wait, lambda: None)
    except psycopg.Error as error:
        print(f"error: the databases cannot be compared: {str(error).strip()}", file=sys.stderr)
        sys.exit(1)
    print(f"ledger: {found}")
    sys.exit(0 if found.balanced else 1)


@app.command()
def environment(port_offset: PortOffset = 0) -> None:
    """Print the settings as environment lines, whether the servers run or not."""
    print(environment_lines(Settings().moved(port_offset), folder_of(port_offset)), end="")


@app.command()
def lock() -> None:
    """Resolve the servers' artifacts again and write stack/artifacts.lock (after a change of version)."""
    count = write_lock(LOCK, cache_folder() / "maven")
    print(f"{LOCK}: {count} artifacts")
