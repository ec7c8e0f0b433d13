"""The subscriber's verbs: `python -m subscriber run PIPELINE.toml`."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from subscriber import logs
from subscriber.console.app import application
from subscriber.console.server import Console
from subscriber.errors import WrongSetting
from subscriber.metrics import Metrics, Registry
from subscriber.pipeline import load_pipeline
from subscriber.settings import read_settings
from subscriber.subscriber import Subscriber

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def main() -> None:
    """Rows of a Kafka topic, predicted by a model server, stored in the target database exactly once."""


@app.command()
def run(pipeline: Annotated[Path, typer.Argument(help="The pipeline's TOML file.")]) -> None:
    """Run a pipeline until Ctrl-C or SIGTERM; exit 0 when stopped, 2 when a setting must be changed."""
    logs.set_up()
    log = structlog.get_logger()
    try:
        settings = read_settings()
        described = load_pipeline(pipeline)
        registry = Registry()
        subscriber = Subscriber(described, settings, Metrics(registry, described.name))
        for signal_ in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_, lambda *_: subscriber.stop())
        console = Console(settings, application({described.name: subscriber.watched}, registry))
        log.info(
            "subscriber",
            pipeline=described.name,
            topic=described.topic,
            model=described.model.url,
            table=described.target.table,
            console=console.address,
        )
        # millions of rows cause many collections, none of which need look at what lives as long as the process
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        try:
            subscriber.run()
        finally:
            console.close()
    except WrongSetting as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(2)
    log.info("stopped", pipeline=described.name)
