"""`python -m subscriber replay PIPELINE.toml --from … --into TABLE`."""

from __future__ import annotations

import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subscriber import logs
from subscriber.bounds import read_bound, spans
from subscriber.commands.exits import INTERRUPTED, explained, say
from subscriber.commands.memory import settle
from subscriber.errors import SubscriberError, WrongSetting
from subscriber.metrics import Metrics, Registry
from subscriber.pipeline_file import load_pipeline
from subscriber.replay import Replay, Stands, replay_of
from subscriber.settings import read_settings
from subscriber.subscriber import Subscriber
from subscriber.topic import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from subscriber.pipeline import Pipeline
    from subscriber.settings import Settings

TERMINAL_SECONDS: Final = 0.5
LOG_SECONDS: Final = 10.0


def replay(
    pipeline: Annotated[Path, typer.Argument(help="The pipeline's TOML file.")],
    into: Annotated[str, typer.Option(metavar="TABLE", help="Table for the predictions; made like the live one.")],
    from_: Annotated[
        str,
        typer.Option("--from", metavar="WHERE", help="earliest, an offset, P:OFFSET,…, a time, or 90m ago."),
    ],
    to: Annotated[
        str | None, typer.Option(metavar="WHERE", help="As --from, not included; by default, where the topic ends now.")
    ] = None,
    model_version: Annotated[str | None, typer.Option(help="The version of the model to ask.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Empty the table and start over.")] = False,
) -> None:
    """Predict a topic's old messages once more, into another table; the live pipeline goes on undisturbed.

    What is interrupted goes on with the same command; each message is predicted exactly once.
    """
    logs.set_up()
    asked = f"--from {from_}{f' --to {to}' if to else ''}{f' --model-version {model_version}' if model_version else ''}"
    with explained():
        settings, live = read_settings(), load_pipeline(pipeline)
        replayed = replay_of(live, into, model_version)
        now = datetime.now(UTC)
        begin, end = read_bound(from_, now, "--from"), read_bound(to, now, "--to") if to else None

        def cover() -> Mapping[int, tuple[int, int]]:
            with Topic(settings, replayed) as topic:
                ends = topic.ends()
                if not ends:
                    raise WrongSetting(f"topic {topic.name} does not exist")
                return spans(begin, end, ends, lambda time_: topic.at(time_.timestamp(), ends))

        books = Replay(live, replayed, settings)
        books.prepare()
        if again:
            books.forget()
        stands = books.begin(cover, asked)
        if left(stands) == 0:
            print(f"the replay into {into} is finished: {covered(stands):,} offsets; --again starts over")
            return
        run = Run(replayed, settings, books, stands)
        run.to_the_end()
    print(f"{into}: {run.told()}")
    if run.stopped:
        say(f"interrupted with {left(books.stands()):,} offsets left; the same command goes on")
        sys.exit(INTERRUPTED)


class Run:
    """This process's part of a replay."""

    def __init__(self, pipeline: Pipeline, settings: Settings, books: Replay, stands: list[Stands]) -> None:
        self.stopped = False
        self._pipeline = pipeline
        self._settings = settings
        self._books = books
        self._stands = stands
        self._registry = Registry()
        self._metrics = Metrics(self._registry, pipeline.name)
        self._began = time.monotonic()
        self._subscriber = self._new_subscriber()
        self._ended = threading.Event()

    def to_the_end(self) -> None:
        """Predict until every partition has come to its end, or until a signal to stop.

        Raises:
            Transient, WrongSetting: as the stages of a subscriber do.
        """
        for signal_ in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_, lambda *_: self._stop())
        settle()
        watching = threading.Thread(target=self._watch, name="progress", daemon=True)
        watching.start()
        try:
            self._subscriber.run()
            # what another process had in hand when it ended is ours now
            while not self.stopped and left(self._books.stands()):
                self._subscriber = self._new_subscriber()
                if self.stopped:
                    self._subscriber.stop()
                self._subscriber.run()
        finally:
            self._ended.set()
            watching.join(2)
        if not self.stopped or not left(self._books.stands()):
            self.stopped = False
            self._books.finish()

    def told(self) -> str:
        """What this process did, in one line."""
        seconds = time.monotonic() - self._began
        predicted, dead, deletes = (self._rows(result) for result in ("predicted", "dead", "deleted"))
        rows = f"{predicted:,} predicted, {dead:,} dead letters, {deletes:,} deletes"
        return f"{rows} in {seconds:,.0f} s ({self._rate()})"

    def _stop(self) -> None:
        self.stopped = True
        self._subscriber.stop()

    def _new_subscriber(self) -> Subscriber:
        until = {s.partition: s.end for s in self._stands}
        return Subscriber(self._pipeline, self._settings, self._metrics, until)

    def _rate(self) -> str:
        rows = self._rows("predicted") + self._rows("dead")
        return f"{rows / (time.monotonic() - self._began):,.0f} rows/s"

    def _rows(self, result: str) -> int:
        labels = {"pipeline": self._pipeline.name, "result": result}
        return int(self._registry.registry.get_sample_value("subscriber_rows_total", labels) or 0)

    def _watch(self) -> None:
        """Show how far the replay is, those processes' parts included that share it."""
        counts = (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        terminal = sys.stderr.isatty()
        total = covered(self._stands)
        table = self._pipeline.target.table
        columns = (TextColumn("{task.description}"), BarColumn(), *counts)
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not terminal) as progress:
            task = progress.add_task(table, total=total, rate="")
            while not self._ended.wait(TERMINAL_SECONDS if terminal else LOG_SECONDS):
                try:
                    done = total - left(self._books.stands())
                except SubscriberError:
                    # the stages say so
                    continue
                progress.update(task, completed=done, rate=self._rate())
                if not terminal:
                    structlog.get_logger().info("replay", into=table, done=done, of=total, rate=self._rate())


def covered(stands: list[Stands]) -> int:
    """How many offsets the replay covers."""
    return sum(s.end - s.first for s in stands)


def left(stands: list[Stands]) -> int:
    """How many offsets are not stored yet."""
    return sum(max(0, s.end - s.next) for s in stands)
