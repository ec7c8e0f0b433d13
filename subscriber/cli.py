"""The subscriber's verbs: `python -m subscriber run PIPELINE.toml…`, and more."""

from __future__ import annotations

import typer

from subscriber.commands import dead_letters
from subscriber.commands.check import check
from subscriber.commands.init import init
from subscriber.commands.replay import replay
from subscriber.commands.run import run
from subscriber.commands.schema import schema
from subscriber.commands.status import status

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)


@app.callback()
def main() -> None:
    """Rows of a Kafka topic, predicted by a model server, stored in the target database exactly once."""


app.command()(init)
app.command()(check)
app.command()(run)
app.command()(status)
app.command()(replay)
app.command()(schema)
app.add_typer(dead_letters.app, name="dead-letters")
