import uuid
from typing import Annotated

import typer

from api.client import destination, formats
from api.client.commands.options import PATIENCE_SECONDS, Patience, Url, come_back, connected
from api.client.commands.wait import wait_for
from api.client.errors import AwayError, InterruptedByUser
from api.client.formats import Format
from api.client.report import Report
from api.client.tasks import Order, Task, Tasks
from api.client.upload import Counted, opened, size_bytes


def submit(
    file: Annotated[str, typer.Argument(help="Rows as CSV, JSON, JSON lines or Parquet; - reads stdin.")],
    model: Annotated[str, typer.Option(help="The model that scores the rows; `models` lists them.")],
    version: Annotated[str | None, typer.Option(help="Its version. (default: whichever is served)")] = None,
    callback_url: Annotated[str | None, typer.Option(help="Hears of it when the task has ended.")] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Twice the same key makes one task, not two. (default: a new one for each command)"),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until the task has ended; Ctrl-C leaves it running.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Wait, and write the result to this file; by its name CSV, JSON or Parquet."),
    ] = None,
    given: Annotated[
        Format | None, typer.Option("--format", help="The format of FILE. (default: by its name; stdin has none)")
    ] = None,
    url: Url = None,
    patience: Patience = PATIENCE_SECONDS,
) -> None:
    """Hand over a file of rows; print the task's id.

    The id goes to standard output, everything else to standard error; with `--output -` the result is on standard
    output alone.
    """
    report = Report()
    order = Order(model, version, callback_url, idempotency_key or str(uuid.uuid4()))
    with connected(url, patience, report) as tasks:
        format_ = formats.of_input(file, given)
        if output is not None:
            destination.check(output, formats.of_output(output, None))
        task = _submitted(tasks, order, file, format_, report)
        if output == destination.TO_OUTPUT:
            report.say(f"task {task.id}")
        else:
            typer.echo(task.id)
        if wait or output is not None:
            wait_for(tasks, task.id, output, None, report)
        else:
            report.say(f"{task.rows_total:,} rows; `{come_back('wait', task.id)}` waits for them")


def _submitted(tasks: Tasks, order: Order, file: str, given: Format, report: Report) -> Task:
    same = f"the same command with --idempotency-key {order.idempotency_key} makes no second task"
    with opened(file, given) as (rows, name):
        try:
            with report.uploading(name, size_bytes(rows)) as sent:
                return tasks.submit(order, Counted(rows, sent), name, given)
        except AwayError as error:
            raise AwayError(f"{error}; {same}") from error
        except KeyboardInterrupt:
            raise InterruptedByUser(f"interrupted before the API had all of it; {same}") from None
