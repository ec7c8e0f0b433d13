"""`python -m subscriber run PIPELINE.toml…`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from subscriber import logs
from subscriber.commands.exits import UNFINISHED, WRONG_SETTING, explained, say
from subscriber.commands.memory import settle
from subscriber.console.app import application
from subscriber.console.server import Console
from subscriber.errors import WrongSetting
from subscriber.fleet import Fleet, load_pipelines
from subscriber.metrics import Metrics, Registry
from subscriber.settings import read_settings
from subscriber.subscriber import Subscriber


def run(pipelines: Annotated[list[Path], typer.Argument(help="The TOML file of each pipeline.")]) -> None:
    """Run pipelines until Ctrl-C or SIGTERM; exit 0 when stopped, 2 when a setting must be changed.

    One of several that stops for a wrong setting leaves the others running.
    """
    logs.set_up()
    log = structlog.get_logger()
    with explained():
        settings = read_settings()
        described = load_pipelines(pipelines)
        registry = Registry()
        subscribers = {p.name: Subscriber(p, settings, Metrics(registry, p.name)) for p in described}
        fleet = Fleet(subscribers)
        for signal_ in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_, lambda *_: fleet.stop())
        console = Console(settings, application({name: s.watched for name, s in subscribers.items()}, registry))
        for pipeline in described:
            log.info(
                "subscriber",
                pipeline=pipeline.name,
                topic=pipeline.topic,
                model=pipeline.model.url,
                table=pipeline.target.table,
                console=console.address,
            )
        settle()
        try:
            failures = fleet.run()
        finally:
            console.close()
        if len(described) == 1:
            for failure in failures.values():
                raise failure
    for name, failure in failures.items():
        say(f"pipeline {name!r}: {failure or type(failure).__name__}")
    if failures:
        # what is no wrong setting may be gone after a restart
        wrong_settings = all(isinstance(failure, WrongSetting) for failure in failures.values())
        sys.exit(WRONG_SETTING if wrong_settings else UNFINISHED)
    for name in subscribers:
        log.info("stopped", pipeline=name)
