"""The command line: options in, exit code out."""

import sys
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from data_generator.applications.cli import send_applications
from data_generator.credit import CreditRows
from data_generator.database import Database
from data_generator.errors import GeneratorError, SettingError
from data_generator.generator import Plan
from data_generator.images.cli import send_images
from data_generator.iris import IrisRows
from data_generator.options import check_drift, check_pace
from data_generator.pacing import default_batch
from data_generator.report import AwayLog, last_line
from data_generator.rows import RowSource
from data_generator.session import Session
from data_generator.settings import SourceSettings
from data_generator.writer import Writer

WRONG_SETTING_EXIT = 2


class Table(StrEnum):
    """The tables that there are rows for."""

    IRIS = IrisRows.table
    CREDIT = CreditRows.table


SOURCES: dict[Table, Callable[[int | None, float], RowSource]] = {Table.IRIS: IrisRows, Table.CREDIT: CreditRows}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def generate(
    context: typer.Context,
    *,
    table: Annotated[Table, typer.Option(help="Which rows: flowers, or applications for a credit.")] = Table.IRIS,
    rate: Annotated[
        float,
        typer.Option(
            min=0,
            help="Rows a second; 0.2 is one in five seconds, 0 is as fast as possible. After a stall missed rows "
            "are caught up at twice the rate, those of the last minute at most.",
        ),
    ] = 1.0,
    rows: Annotated[
        int | None, typer.Option(min=0, help="Stop after so many rows; 0 only creates the table. (default: never)")
    ] = None,
    for_seconds: Annotated[
        float | None, typer.Option("--for", help="Stop after so many seconds and the batch in hand. (default: never)")
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Rows a transaction (default: 1 below 1000 rows/s, then a hundredth of --rate; 1000 with --rate 0).",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Draw the same rows in every run with this seed. (default: other rows each run)")
    ] = None,
    drift: Annotated[
        float,
        typer.Option(
            help="Move the mean of every feature by so many of its standard deviations (over the data set) a "
            "minute, for as long as the run lasts; 0.5 gives one standard deviation after two minutes, a negative "
            "number moves down. The spread and the species stay as they are. Of applications the age moves, and ever "
            "more have the same categories, one of them unknown to training."
        ),
    ] = 0.0,
) -> None:
    """Write random rows of the iris data set to table iris_data of the source database, or of the German credit data.

    Creates the table if it is missing. Waits for the database when it goes away, and neither loses nor doubles a row.
    Ctrl-C or SIGTERM stops after the batch in hand. The verbs images and applications send to the model API
    instead.

    The database comes from SOURCE_HOST, SOURCE_PORT, SOURCE_DATABASE, SOURCE_USER and SOURCE_PASSWORD; how far it is
    trusted from SOURCE_SSLMODE and SOURCE_SSLROOTCERT.
    """
    if context.invoked_subcommand is not None:
        refuse_options(context)
        return
    check_pace(rate, for_seconds)
    check_drift(drift)
    settings = SourceSettings.from_environment()
    plan = Plan(rate, batch or default_batch(rate), rows, for_seconds)
    source = SOURCES[table](seed, drift)
    session = Session()
    writer = Writer(partial(Database.connect, settings, source.table), session.pause, AwayLog("the database", "batch"))
    try:
        summary = session.run(source, writer, plan, "writing", "rows")
    finally:
        writer.close()
    session.say(last_line(summary))


app.command("images")(send_images)
app.command("applications")(send_applications)


def refuse_options(context: typer.Context) -> None:
    """Refuse options before a verb: they are those of the rows, and would be forgotten.

    Raises:
        SettingError: there is one.
    """
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        raise SettingError(f"--{given[0].removesuffix('_seconds')}: must stand after {context.invoked_subcommand}")


def main() -> None:
    """Run the command; our own errors become one line and an exit code: 2 for a wrong setting, 1 for the rest."""
    try:
        app()
    except GeneratorError as error:
        sys.stderr.write(f"data_generator: {error}\n")
        sys.exit(WRONG_SETTING_EXIT if isinstance(error, SettingError) else 1)
